/**
 * Reads a body as JSON, and refuses what JSON.parse would silently turn into something else: bytes that are not UTF-8,
 * a name that comes twice, a number that no double holds. What is stored is what was sent.
 */
import { isUtf8 } from "node:buffer";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Issue, TickworkError } from "#core";
import { invalidRequest } from "../core/errors.ts";
import { BODY_LIMIT_BYTES } from "../core/limits.ts";
import { findLoss, pathAt } from "./json-loss.ts";

/**
 * Between its steps others get their turn: each takes at most a tenth of a second for the largest body.
 *
 * @throws TickworkError `malformed_json`, with the path of what is wrong; `body_too_large`
 */
export async function readJson(request: Request): Promise<unknown> {
  const bytes = await readBytes(request);
  const text = textOf(bytes);
  if (text.trim() === "") throw new TickworkError("malformed_json", "The body must be JSON, got nothing.");
  await nextTurn();
  const loss = await findLoss(text);
  if (loss?.tooMuch) throw refused(loss);
  await nextTurn();
  const value = parse(text);
  if (loss) throw refused(loss);
  await nextTurn();
  return value;
}

/** Not more of the body than it may have; how long it says that it is decides before any of it is read. */
async function readBytes({ headers, body }: Request): Promise<Buffer> {
  if (Number(headers.get("content-length")) > BODY_LIMIT_BYTES) throw tooLarge();
  // Not cancelled: on one machine that would close the connection before it is answered.
  const reader = body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = (await reader?.read().catch(refuseAborted)) ?? { done: true };
    if (done || value === undefined) return Buffer.concat(chunks);
    length += value.length;
    if (length > BODY_LIMIT_BYTES) throw tooLarge();
    chunks.push(value);
  }
}

/** The client has gone away, or the body was cut on its way: no defect of ours. */
function refuseAborted(error: Error): never {
  throw new TickworkError("malformed_request", `The body ended before it was complete: ${error.message}.`);
}

function tooLarge(): TickworkError {
  return new TickworkError(
    "body_too_large",
    `The body must have at most ${BODY_LIMIT_BYTES} bytes, got more; send fewer tasks at once.`,
  );
}

function textOf(bytes: Buffer): string {
  // Without a byte order mark, which JSON should not have and some programs send.
  const text = new TextDecoder().decode(bytes);
  if (isUtf8(bytes)) return text;
  const again = Buffer.from(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  const bad = again.findIndex((byte, n) => byte !== bytes[n]);
  const path = pathAt(text, new TextDecoder().decode(bytes.subarray(0, bad)).length);
  throw refused({ path, message: "must be text in UTF-8" });
}

function refused({ path, message }: Issue): TickworkError {
  return invalidRequest([{ path, message }], "malformed_json");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TickworkError("malformed_json", `The body must be JSON: ${(error as Error).message}`);
  }
}
