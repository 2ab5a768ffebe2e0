import { defineTask, type HandlerConfig, type TaskContext } from "#core";
import { failuresOf } from "../core/tasks/task.ts";
import {
  addressKey,
  type EmailBatchData,
  emailBatchData,
  PLACEHOLDER,
  type Recipient,
  readMailbox,
  recipientsOf,
} from "./email-batch-data.ts";
import {
  type Delivery,
  type Email,
  type EmailTransport,
  openTransport,
  SendError,
} from "./email-transport.ts";
import type { OwnErrorCode } from "./error-codes.ts";
import { messageIdOf } from "./standard-webhooks.ts";

/** What became of one recipient. */
export interface EmailOutcome {
  to: string;
  /** `unknown`: a worker died, or lost its server, between sending it and writing that down. */
  status: "sent" | "refused" | "unknown";
  /** What the server said. */
  reason?: string;
}

/** What `email_batch` leaves in `result_data`. */
export interface EmailBatchResult {
  sent: number;
  refused: number;
  unknown: number;
  recipients: EmailOutcome[];
}

/** How often a batch is tried when the task does not say. */
export const EMAIL_ATTEMPTS = 3;
/** How long a mail may go on being sent after the task was told to stop; after five seconds its process would end. */
const LAST_MAIL_MS = 3_000;

/** A note about a recipient: what became of the mail, or that it is being sent. */
type Note = "begun" | "sent" | "unknown" | { refused: string };

/**
 * `email_batch`: sends a mail to each recipient, one after the other. Each outcome is noted in Postgres before the next
 * mail is sent, and so is that a mail is about to be: whatever dies, nobody gets it twice. Where it cannot be known
 * whether a mail was sent, the outcome says so.
 *
 * @example
 * await tasks.create([{
 *   type: "email_batch",
 *   task_data: { from: "shop@example.com", subject: "Hello {{name}}", text: "…", recipients: [{ to: "ada@example.com", variables: { name: "Ada" } }] },
 * }]);
 */
export const emailBatch = defineTask({
  type: "email_batch",
  data: emailBatchData,
  maxAttempts: EMAIL_ATTEMPTS,
  run: async (data, context) => sendBatch(data, context, openTransport),
});

/**
 * @param open makes the transport, which is closed at the end
 * @throws SendError when the server cannot be used; an Error `email_deferred` when it wants some of them another time and
 * attempts are left; the reason of `signal` if that aborts
 */
export async function sendBatch(
  data: EmailBatchData,
  { task, notes, signal, progress, config }: Surroundings,
  open: (config: HandlerConfig) => Promise<EmailTransport>,
): Promise<EmailBatchResult> {
  const recipients = recipientsOf(data);
  const outcomes = new Map<string, Note>();
  for (const [name, note] of Object.entries(await notes.read()))
    if (name.startsWith(NOTE)) outcomes.set(name.slice(NOTE.length), note as Note);
  if (data.when_unknown === "leave") await leaveUnknown(outcomes, notes);

  const left = recipients.filter(({ address }) => !isKnown(outcomes.get(addressKey(address))));
  const deferred = new Map<string, string>();
  if (left.length > 0) {
    const transport = await open(config);
    /** What became of the last one, until it is noted together with the next one. */
    let unwritten: Record<string, Note | undefined> = {};
    try {
      for (const [n, recipient] of left.entries()) {
        if (signal.aborted) break;
        const key = addressKey(recipient.address);
        await notes.write({ ...unwritten, [NOTE + key]: "begun" });
        unwritten = { [NOTE + key]: undefined };
        // A write hears of a cancellation.
        if (signal.aborted) break;
        const mail = emailOf(data, recipient, `${messageIdOf(task)}.${recipients.indexOf(recipient) + 1}`);
        const delivery = await deliver(transport, mail, signal).catch((error: unknown) => {
          if (!(error instanceof SendError && error.unsent)) unwritten = {};
          throw error;
        });
        const note = noteOf(delivery);
        if (note) outcomes.set(key, note);
        if (delivery.status === "later") deferred.set(key, delivery.reason);
        unwritten = { [NOTE + key]: note };
        await progress((recipients.length - left.length + n + 1) / recipients.length);
      }
    } finally {
      transport.close();
      if (Object.keys(unwritten).length > 0) await notes.write(unwritten);
    }
    signal.throwIfAborted();
  }
  if (deferred.size > 0) {
    if (failuresOf(task) < (task.max_attempts ?? EMAIL_ATTEMPTS)) throw deferredError(deferred);
    const refused = [...deferred].map(([key, reason]) => [key, { refused: reason }] as const);
    for (const [key, note] of refused) outcomes.set(key, note);
    await notes.write(Object.fromEntries(refused.map(([key, note]) => [NOTE + key, note])));
  }
  return resultOf(recipients, outcomes);
}

type Surroundings = Pick<TaskContext, "task" | "notes" | "signal" | "progress" | "config">;

/** Begins the name of a note; the address follows. */
const NOTE = "to ";

const isKnown = (note: Note | undefined): boolean => note !== undefined && note !== "begun";

/** A worker died while it sent these: they may have got it. */
async function leaveUnknown(outcomes: Map<string, Note>, notes: TaskContext["notes"]): Promise<void> {
  const begun = [...outcomes].filter(([, note]) => note === "begun").map(([key]) => key);
  if (begun.length === 0) return;
  await notes.write(Object.fromEntries(begun.map((key) => [NOTE + key, "unknown" satisfies Note])));
  for (const key of begun) outcomes.set(key, "unknown");
}

function noteOf(delivery: Delivery): Note | undefined {
  if (delivery.status === "sent") return "sent";
  return delivery.status === "refused" ? { refused: delivery.reason } : undefined;
}

/** A mail that is being sent when the task has to stop gets a moment: it is better to know what became of it. */
async function deliver(transport: EmailTransport, mail: Email, signal: AbortSignal): Promise<Delivery> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const late = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), LAST_MAIL_MS);
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([transport.send(mail), late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

function emailOf(data: EmailBatchData, { name, address, variables }: Recipient, id: string): Email {
  const fill = (text: string, written: (value: string) => string = (value) => value) =>
    text.replace(PLACEHOLDER, (_, variable: string) => written(String(variables[variable])));
  const from = readMailbox(data.from) ?? { name: "", address: "" };
  return {
    from,
    to: { name, address },
    replyTo: data.reply_to === undefined ? undefined : readMailbox(data.reply_to),
    subject: fill(data.subject),
    text: data.text === undefined ? undefined : fill(data.text),
    html: data.html === undefined ? undefined : fill(data.html, escapeHtml),
    messageId: `<${id}@${from.address.replace(/.*@/, "")}>`,
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);

/** Addresses that one message names. */
const NAMED_ADDRESSES = 3;

function deferredError(deferred: ReadonlyMap<string, string>): Error {
  const named = [...deferred].slice(0, NAMED_ADDRESSES).map(([key, reason]) => `${key}: ${reason}`);
  const message = `the mail server wants ${deferred.size} of the recipients another time: ${named.join("; ")}`;
  return Object.assign(new Error(message), {
    name: "EmailDeferredError",
    code: "email_deferred" satisfies OwnErrorCode,
  });
}

function resultOf(recipients: readonly Recipient[], outcomes: ReadonlyMap<string, Note>): EmailBatchResult {
  const told = recipients.map(({ address }): EmailOutcome => {
    const note = outcomes.get(addressKey(address));
    if (typeof note === "object") return { to: address, status: "refused", reason: note.refused };
    return { to: address, status: note === "sent" ? "sent" : "unknown" };
  });
  const count = (status: EmailOutcome["status"]) => told.filter((one) => one.status === status).length;
  return { sent: count("sent"), refused: count("refused"), unknown: count("unknown"), recipients: told };
}
