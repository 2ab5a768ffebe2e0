/** HTTP on one machine: what comes from a socket goes to the API as a request, its body unread. */
import { randomUUID } from "node:crypto";
import { createServer, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Api, RequestEnv } from "#api";
import { type Config, ConfigError, type ErrorCode } from "#core";
import { SECURITY_HEADERS } from "../api/browser.ts";
import { messageOf, quote } from "../core/errors.ts";
import { parseAddress, specialUseOf } from "../tasks/ip-address.ts";

/** How long a request in flight may take when the server shuts down. */
const DRAIN_LIMIT_MS = 2_000;

/**
 * The API checks the key before it reads any of the body. What a client goes on sending after its answer is dropped,
 * for half a second; then its connection is closed.
 */
export function createHttpServer(api: Api): Server {
  const answer = getRequestListener(
    (request, { incoming }) =>
      api.fetch(request, {
        requestId: randomUUID(),
        host: hosts.get(incoming),
        address: incoming.socket.remoteAddress,
      } satisfies RequestEnv),
    {
      hostname: "localhost",
      overrideGlobalObjects: false,
      errorHandler: (error) => Response.json(malformed(error), { status: 400, headers: SECURITY_HEADERS }),
    },
  );
  /** What the client calls this server. */
  const hosts = new WeakMap<object, string | undefined>();
  // Only the path decides the route, so any host will do, and none.
  const http = createServer({ requireHostHeader: false }, (request, response) => {
    hosts.set(request, request.headers.host);
    delete request.headers.host;
    void answer(request, response);
  });
  // What Node itself cannot read as a request.
  http.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    endWith(socket, UNREADABLE[error.code ?? ""] ?? 400, malformed(error));
  });
  // Node would close the connection of the one without a word, and answer the other without a body.
  http.on("connect", (_, socket) => {
    endWith(socket, 400, malformed(new Error("CONNECT is for proxies, and this is none")));
  });
  http.on("checkExpectation", ({ headers, socket }) => {
    endWith(socket, 417, malformed(new Error(`Expect may be 100-continue, got ${quote(headers.expect)}`)));
  });
  return http;
}

/** Answers on a connection that is of no more use. */
function endWith(socket: Duplex, status: number, answer: ReturnType<typeof malformed>): void {
  const body = JSON.stringify(answer);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "Connection: close",
      "Content-Type: application/json",
      ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}

/** The status of what Node cannot read, by Node's code; of anything else it is 400. */
const UNREADABLE: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** As the API's own errors. */
function malformed(error: unknown): { error: { code: ErrorCode; message: string } } {
  return {
    error: { code: "malformed_request", message: `The request cannot be read: ${messageOf(error)}.` },
  };
}

/** @throws ConfigError with one line when nobody can listen there */
export function listen(http: Server, { host, port }: Pick<Config, "host" | "port">): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) => reject(listenRefusal(error, host, port)));
    http.listen(port, host, resolve);
  });
}

function listenRefusal(error: NodeJS.ErrnoException, host: string, port: number): ConfigError {
  if (error.code === "EADDRINUSE")
    return new ConfigError(
      `PORT is ${port} and something else listens there; set another one, or 0 for any that is free.`,
    );
  if (error.code === "EACCES")
    return new ConfigError(
      `PORT is ${port}, where this user may not listen; set one above 1023, or 0 for any that is free.`,
    );
  return new ConfigError(
    `HOST is ${host}, which is no address of this machine (${error.message}); set 127.0.0.1, or 0.0.0.0 to listen at all of its addresses.`,
  );
}

/** Whether only this machine reaches a server that listens there. */
export function isLoopback(host: string): boolean {
  const address = parseAddress(host);
  return address ? specialUseOf(address) === "loopback" : host === "localhost";
}

/** Requests in flight may finish; idle connections must not keep the process alive. */
export function closeHttp(http: Server): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => http.closeAllConnections(), DRAIN_LIMIT_MS);
    http.close(() => {
      clearTimeout(limit);
      resolve();
    });
    http.closeIdleConnections();
  });
}
