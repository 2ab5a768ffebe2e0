/** How a mail leaves: by SMTP, by Amazon SES, or as a file. What each needs is loaded when the first mail is sent. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type HandlerConfig, PermanentError } from "#core";
import { messageOf } from "../core/errors.ts";
import { missingPeer } from "../core/peer.ts";
import type { OwnErrorCode } from "./error-codes.ts";

export interface Email {
  from: { name: string; address: string };
  to: { name: string; address: string };
  replyTo?: { name: string; address: string } | undefined;
  subject: string;
  text?: string | undefined;
  html?: string | undefined;
  messageId: string;
}

/** What became of a mail. `later`: it was certainly not sent, and may be accepted another time. */
export type Delivery = { status: "sent" } | { status: "refused" | "later"; reason: string };

export interface EmailTransport {
  /** @throws SendError when no answer says what became of it */
  send(email: Email): Promise<Delivery>;
  /** Ends what is under way, too. */
  close(): void;
}

/** The way to the server failed. */
export class SendError extends Error {
  override readonly name = "SendError";
  readonly code: string;
  /** Whether it is certain that the mail was not sent. */
  readonly unsent: boolean;

  constructor(cause: unknown, unsent: boolean) {
    super(`the mail server could not be used: ${messageOf(cause)}`, { cause });
    const { code } = cause as { code?: unknown };
    this.code = typeof code === "string" ? code : ("email_failed" satisfies OwnErrorCode);
    this.unsent = unsent;
  }
}

/** Until a server answers at all, and until each of its answers. */
const CONNECT_LIMIT_MS = 10_000;
const ANSWER_LIMIT_MS = 30_000;

/**
 * The transport that the settings name: `SMTP_URL` before `EMAIL_SES` before `EMAIL_OUTBOX`.
 *
 * @throws PermanentError `email_not_set_up` if none of them is set
 */
export async function openTransport(
  config: Pick<HandlerConfig, "smtpUrl" | "emailSes" | "emailOutbox">,
): Promise<EmailTransport> {
  if (config.smtpUrl !== undefined) return openSmtp(config.smtpUrl);
  if (config.emailSes) return openSes();
  if (config.emailOutbox !== undefined) return openOutbox(config.emailOutbox);
  throw new PermanentError("There is no way to send mail: set SMTP_URL, EMAIL_SES or EMAIL_OUTBOX.", {
    code: "email_not_set_up" satisfies OwnErrorCode,
  });
}

const nodemailer = () =>
  import("nodemailer").catch(missingPeer("nodemailer", "sends what email_batch sends"));

/** No text of a mail is read from a file or an address. */
const CLOSED = { disableFileAccess: true, disableUrlAccess: true } as const;

async function openSmtp(url: string): Promise<EmailTransport> {
  const { createTransport } = await nodemailer();
  /** Whether the server has let the text of this mail come. The errors of nodemailer do not say. */
  let textBegan = false;
  const ignore = () => {};
  const transport = createTransport({
    ...CLOSED,
    url,
    transactionLog: true,
    logger: {
      level: ignore,
      trace: ignore,
      info: ignore,
      warn: ignore,
      error: ignore,
      fatal: ignore,
      debug(entry: { tnx?: string }, message: string) {
        if (entry.tnx === "server" && message.startsWith("354")) textBegan = true;
      },
    },
    pool: true,
    maxConnections: 1,
    maxMessages: Number.POSITIVE_INFINITY,
    // By default a mail whose connection was closed is sent again, whatever became of it.
    maxRequeues: 0,
    connectionTimeout: CONNECT_LIMIT_MS,
    greetingTimeout: CONNECT_LIMIT_MS,
    socketTimeout: ANSWER_LIMIT_MS,
  });
  return {
    async send(email) {
      textBegan = false;
      try {
        await transport.sendMail(email);
        return { status: "sent" };
      } catch (error) {
        return smtpDelivery(error, textBegan);
      }
    },
    close: () => transport.close(),
  };
}

/**
 * What an error of SMTP says about the mail. The server's answers are about it only once it was offered.
 *
 * @param textBegan the server may have the whole text
 */
export function smtpDelivery(error: unknown, textBegan: boolean): Delivery {
  const { responseCode, command, response } = error as {
    responseCode?: number;
    command?: string;
    response?: string;
  };
  const offered = command !== undefined && !/^(CONN|EHLO|HELO|LHLO|STARTTLS|AUTH)/.test(command);
  if (offered && responseCode !== undefined && responseCode >= 400)
    return {
      status: responseCode < 500 ? "later" : "refused",
      reason: reasonOf(response ?? messageOf(error)),
    };
  throw new SendError(error, !textBegan);
}

async function openSes(): Promise<EmailTransport> {
  const [{ createTransport }, { SESv2Client, SendEmailCommand }] = await Promise.all([
    nodemailer(),
    import("@aws-sdk/client-sesv2").catch(missingPeer("@aws-sdk/client-sesv2", "is needed for EMAIL_SES")),
  ]);
  // It would send again what it got no answer for.
  const sesClient = new SESv2Client({ maxAttempts: 1 });
  const transport = createTransport({ ...CLOSED, SES: { sesClient, SendEmailCommand } });
  return {
    async send(email) {
      try {
        await transport.sendMail(email);
        return { status: "sent" };
      } catch (error) {
        return sesDelivery(error);
      }
    },
    close: () => sesClient.destroy(),
  };
}

/** Answers that are about the account or its pace, not about this mail. */
const SES_LATER = new Set(["TooManyRequestsException", "ThrottlingException", "LimitExceededException"]);
const SES_REFUSED = new Set(["MessageRejected", "BadRequestException"]);

export function sesDelivery(error: unknown): Delivery {
  const { name = "", $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const reason = reasonOf(`${name}: ${messageOf(error)}`);
  if (SES_LATER.has(name)) return { status: "later", reason };
  if (SES_REFUSED.has(name)) return { status: "refused", reason };
  const status = $metadata?.httpStatusCode ?? 0;
  // No rights, a sender that is not verified, a paused account: nobody can get it.
  throw new SendError(error, status >= 400 && status < 500);
}

async function openOutbox(folder: string): Promise<EmailTransport> {
  const { createTransport } = await nodemailer();
  const transport = createTransport({ ...CLOSED, streamTransport: true, buffer: true });
  return {
    async send(email) {
      const { message } = await transport.sendMail(email);
      await mkdir(folder, { recursive: true });
      // The same name in each attempt: there are never two files.
      const name = join(folder, `${email.messageId.slice(1).replace(/@.*/, "")}.eml`);
      await writeFile(`${name}.part`, message as Buffer);
      await rename(`${name}.part`, name);
      return { status: "sent" };
    },
    close: () => transport.close(),
  };
}

/** Characters that a result keeps of what a server says. */
const REASON_LIMIT = 200;

function reasonOf(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > REASON_LIMIT ? `${line.slice(0, REASON_LIMIT)}…` : line;
}
