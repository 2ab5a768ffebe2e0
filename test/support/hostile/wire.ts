/** HTTP by hand, so that a request can be what no client would send. */
import { connect, type Socket } from "node:net";
import type { HttpRequest } from "./requests.ts";

export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
  bytes: number;
}

/** What came back on a connection until it was closed. */
export interface Exchange {
  answers: WireAnswer[];
  /** It was still open when the time was over. */
  timedOut: boolean;
}

/** How long a connection may go without an end. */
export const ANSWER_LIMIT_MS = 20_000;

/** The bytes of a request. It asks for the connection to be closed, and says how long its body is. */
export function encode({ method, target, headers, body }: HttpRequest): Buffer {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(given.has("host") ? [] : ["Host: 127.0.0.1"]),
    "Connection: close",
    ...(body === undefined || given.has("content-length") || given.has("transfer-encoding")
      ? []
      : [`Content-Length: ${bytes.length}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes]);
}

/**
 * Opens a connection, has `write` send what it likes, and reads until the server closes it.
 *
 * @param write gets the socket once it is connected
 */
export function exchange(
  port: number,
  write: (socket: Socket) => Promise<void> | void,
  limitMs = ANSWER_LIMIT_MS,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let timedOut = false;
    const socket = connect(port, "127.0.0.1", () => void write(socket));
    const limit = setTimeout(() => {
      timedOut = true;
      socket.destroy();
    }, limitMs);
    socket.on("data", (chunk) => chunks.push(chunk));
    // A server may well cut a connection on which it gets garbage.
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(limit);
      resolve({ answers: parse(Buffer.concat(chunks)), timedOut });
    });
  });
}

/** The answers in what was received, one after the other. */
function parse(received: Buffer): WireAnswer[] {
  const answers: WireAnswer[] = [];
  let rest = received;
  while (rest.length > 0) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) break;
    const [statusLine = "", ...lines] = rest.subarray(0, end).toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(":")).toLowerCase(),
        line.slice(line.indexOf(":") + 1).trim(),
      ]),
    );
    rest = rest.subarray(end + 4);
    // 100 Continue has no body, and is not the answer.
    if (status === 100) continue;
    const length = headers["content-length"] === undefined ? rest.length : Number(headers["content-length"]);
    const body = headers["transfer-encoding"] === "chunked" ? rest : rest.subarray(0, length);
    answers.push({
      status,
      headers,
      text: headers["transfer-encoding"] === "chunked" ? dechunk(body) : body.toString("utf8"),
      bytes: body.length,
    });
    rest = rest.subarray(body.length);
  }
  return answers;
}

function dechunk(body: Buffer): string {
  const parts: Buffer[] = [];
  let rest = body;
  for (;;) {
    const end = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.subarray(0, end).toString("latin1"), 16);
    if (!(size > 0)) return Buffer.concat(parts).toString("utf8");
    parts.push(rest.subarray(end + 2, end + 2 + size));
    rest = rest.subarray(end + 4 + size);
  }
}
