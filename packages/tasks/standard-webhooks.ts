/** Signs requests as https://www.standardwebhooks.com says, so that receivers can verify them with any of its libraries. */
import { createHash, createHmac } from "node:crypto";
import { PermanentError, type Task } from "#core";
import type { OwnErrorCode } from "./error-codes.ts";

/** The headers of a signature. Whoever asks for one may not give them. */
export const SIGNATURE_HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;

/** The headers of a signature of a body. */
export type Signer = (body: Uint8Array) => Record<(typeof SIGNATURE_HEADERS)[number], string>;

/**
 * A signature with each of the secrets, so that receivers may know the old one or the new one while they change.
 *
 * @param secrets `whsec_…`, as in `WEBHOOK_SECRETS`
 * @param nowMs when it is sent: receivers refuse what is older than five minutes
 * @throws PermanentError `http_no_secret` if there is none
 * @example createSigner(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], task)(Buffer.from("{}"));
 */
export function createSigner(
  secrets: readonly string[],
  task: Pick<Task, "id" | "createdAt">,
  nowMs = Date.now(),
): Signer {
  if (secrets.length === 0)
    throw new PermanentError("http_request has nothing to sign with: WEBHOOK_SECRETS is not set.", {
      code: "http_no_secret" satisfies OwnErrorCode,
    });
  const id = messageIdOf(task);
  const timestamp = String(Math.floor(nowMs / 1000));
  return (body) => ({
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": secrets
      .map((secret) => `v1,${hmac(keyOf(secret), `${id}.${timestamp}.`, body)}`)
      .join(" "),
  });
}

/**
 * The same for each attempt of a task, so that a receiver can tell a repetition. The time of its creation is in it,
 * because a receiver may hear several deployments, and each of them has a first task.
 */
export function messageIdOf({ id, createdAt }: Pick<Task, "id" | "createdAt">): string {
  return `msg_${createHash("sha256").update(`${id} ${createdAt}`).digest("base64url").slice(0, 27)}`;
}

const keyOf = (secret: string) => Buffer.from(secret.replace(/^whsec_/, ""), "base64");

function hmac(key: Buffer, head: string, body: Uint8Array): string {
  return createHmac("sha256", key).update(head).update(body).digest("base64");
}
