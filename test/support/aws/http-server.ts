/** A small HTTP server for tests: every stand-in of a service is one function from request to answer. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HttpRequest {
  method: string;
  /** Decoded, without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  /** Ends the connection without an answer. */
  drop(): void;
  /** Aborts when the client has gone away before it was answered. */
  gone: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers?: Record<string, string>;
  /** Text as it is, anything else as JSON. */
  body?: unknown;
}

export interface HttpServer {
  url: string;
  close(): Promise<void>;
}

/** What answers a request; undefined after `drop`. */
export type Answering = (request: HttpRequest) => Promise<HttpAnswer | undefined> | HttpAnswer | undefined;

/** @param keepAliveMs how long an idle connection is kept, like a load balancer's idle timeout */
export async function serveHttp(answering: Answering, { keepAliveMs = 5_000 } = {}): Promise<HttpServer> {
  const server = createServer((request, response) => void handle(answering, request, response));
  server.keepAliveTimeout = keepAliveMs;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function handle(answering: Answering, request: IncomingMessage, response: ServerResponse) {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  try {
    const url = new URL(request.url ?? "/", "http://localhost");
    const answer = await answering({
      method: request.method ?? "",
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: request.headers,
      body: await textOf(request),
      drop: () => request.socket.destroy(),
      gone: gone.signal,
    });
    if (answer) send(response, answer);
  } catch (error) {
    // A mistake of the test, unless the client has gone.
    if (!gone.signal.aborted) send(response, { status: 500, body: String(error) });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, { status, headers = {}, body }: HttpAnswer): void {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
}
