import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** A body as it appears in a result. */
export interface HttpBody {
  /** Text; the parsed value, if the body is complete and its type is JSON; base64 for anything else. */
  body: unknown;
  /** Set when `body` is base64. */
  encoding?: "base64";
  /** Whether the body was longer. */
  truncated: boolean;
}

/** The body of a request: a string as it is, any other value as JSON. */
export function encodeBody(
  body: unknown,
): { bytes: Buffer; headers: { "content-type": string } } | undefined {
  if (body === undefined) return undefined;
  if (typeof body === "string")
    return { bytes: Buffer.from(body), headers: { "content-type": "text/plain;charset=UTF-8" } };
  return { bytes: Buffer.from(JSON.stringify(body)), headers: { "content-type": "application/json" } };
}

/** The first bytes of a body, and whether it had more. */
export interface BodyStart {
  bytes: Buffer;
  truncated: boolean;
}

/** Reads up to `limitBytes`, then drops the connection, so that the rest is not downloaded. */
export async function readStart(response: IncomingMessage, limitBytes: number): Promise<BodyStart> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.byteLength;
    // Leaving the loop destroys the response and with it the socket.
    if (size > limitBytes) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, limitBytes), truncated: size > limitBytes };
}

const JSON_TYPE = /^(application|text)\/json$|\+json$/;
const TEXT_TYPE =
  /^text\/|\+xml$|^application\/(xml|yaml|javascript|x-javascript|x-ndjson|x-www-form-urlencoded)$/;

/** Text stays text only if nothing is lost: bytes that are not valid in its encoding become base64. */
export function decodeBody(start: BodyStart, headers: IncomingHttpHeaders): HttpBody {
  const { bytes, truncated } = start;
  const text = textOf(start, headers);
  if (text === undefined) return { body: bytes.toString("base64"), encoding: "base64", truncated };
  return { body: JSON_TYPE.test(typeOf(headers).name) && !truncated ? parsedOr(text) : text, truncated };
}

/** The body as text; undefined if it is not text. */
export function textOf({ bytes, truncated }: BodyStart, headers: IncomingHttpHeaders): string | undefined {
  if (bytes.byteLength === 0) return "";
  const { name, charset } = typeOf(headers);
  const compressed = (headers["content-encoding"] ?? "identity").trim().toLowerCase() !== "identity";
  const couldBeText = !compressed && (name === "" || JSON_TYPE.test(name) || TEXT_TYPE.test(name));
  return couldBeText ? decodeText(bytes, charset, truncated) : undefined;
}

function typeOf(headers: IncomingHttpHeaders): { name: string; charset: string } {
  const [name = "", ...parameters] = (headers["content-type"] ?? "")
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  return { name, charset: charset?.slice("charset=".length).replaceAll('"', "") ?? "utf-8" };
}

/** Undefined if the bytes are not text in this encoding. Postgres cannot store zero bytes in a text. */
function decodeText(bytes: Buffer, charset: string, truncated: boolean): string | undefined {
  try {
    // With `stream`, a character that was cut in two at the end is dropped instead of being an error.
    const text = new TextDecoder(charset, { fatal: true }).decode(bytes, { stream: truncated });
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
