/** HTTP by hand, so that a request can be what no client would send. */
import { connect, type Socket } from "node:net";
import type { HttpRequest } from "./requests.ts";

export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
  bytes: number;
  /** Nothing of it is missing. */
  complete: boolean;
}

/** What came back on a connection until it was closed. */
export interface Exchange {
  answers: WireAnswer[];
  /** It was still open when the time was over. */
  timedOut: boolean;
}

/** How long a connection may go without an end. */
export const ANSWER_LIMIT_MS = 20_000;

/** The bytes of a request, with the length of its body and a host, where it does not say otherwise. */
export function encode({ method, target, headers, body }: HttpRequest): Buffer {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(given.has("host") ? [] : ["Host: 127.0.0.1"]),
    ...(body === undefined || given.has("content-length") || given.has("transfer-encoding")
      ? []
      : [`Content-Length: ${bytes.length}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes]);
}

/** Sends one request, and goes away when it is answered, as clients do that keep no connection. */
export async function sendOne(port: number, request: HttpRequest): Promise<WireAnswer | undefined> {
  const { answers } = await exchange(port, (socket) => void socket.write(encode(request)), {
    isDone: (received) => parse(received, request.method === "HEAD").some(({ complete }) => complete),
    noBody: request.method === "HEAD",
  });
  return answers[0];
}

/** Opens a connection, has `write` send what it likes, and reads until the server closes it, or `isDone`. */
export function exchange(
  port: number,
  write: (socket: Socket) => Promise<void> | void,
  {
    limitMs = ANSWER_LIMIT_MS,
    isDone = () => false,
    noBody = false,
  }: { limitMs?: number; isDone?: (received: Buffer) => boolean; noBody?: boolean } = {},
): Promise<Exchange> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    let timedOut = false;
    const socket = connect(port, "127.0.0.1", () => void write(socket));
    const limit = setTimeout(() => {
      timedOut = true;
      socket.destroy();
    }, limitMs);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (isDone(received)) socket.destroy();
    });
    // A server may well cut a connection on which it gets garbage.
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(limit);
      resolve({ answers: parse(received, noBody), timedOut });
    });
  });
}

/** The answers in what was received, one after the other. */
function parse(received: Buffer, noBody: boolean): WireAnswer[] {
  const answers: WireAnswer[] = [];
  let rest = received;
  while (rest.length > 0) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) break;
    const [statusLine = "", ...lines] = rest.subarray(0, end).toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    rest = rest.subarray(end + 4);
    // 100 Continue is not the answer.
    if (status === 100) continue;
    const { body, length, complete } = bodyOf(rest, headers, noBody || status === 204);
    answers.push({ status, headers, text: body.toString("utf8"), bytes: body.length, complete });
    rest = rest.subarray(length);
  }
  return answers;
}

interface Body {
  body: Buffer;
  /** What it takes on the wire. */
  length: number;
  complete: boolean;
}

function bodyOf(rest: Buffer, headers: Record<string, string>, none: boolean): Body {
  if (none) return { body: Buffer.alloc(0), length: 0, complete: true };
  if (headers["transfer-encoding"] === "chunked") return dechunk(rest);
  const length = Number(headers["content-length"] ?? Number.POSITIVE_INFINITY);
  const body = rest.subarray(0, length);
  return { body, length: body.length, complete: body.length === length };
}

function dechunk(rest: Buffer): Body {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = rest.indexOf("\r\n", at);
    const size = Number.parseInt(rest.subarray(at, end).toString("latin1"), 16);
    const next = end + 4 + size;
    const complete = size === 0;
    if (complete || end < 0 || !(next <= rest.length))
      return { body: Buffer.concat(parts), length: complete ? end + 4 : rest.length, complete };
    parts.push(rest.subarray(end + 2, end + 2 + size));
    at = next;
  }
}
