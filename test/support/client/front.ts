/** A real server in front of the API, which does with each request what the test has in mind for it. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export type Fault =
  | "pass"
  /** This is answered, and the API never hears of it. */
  | { status: number; headers?: Record<string, string>; body?: string }
  /** It is never answered, and the API never hears of it. */
  | "hang"
  /** The connection is cut before the API hears of it. */
  | "cut"
  /** The API carries it out, then the connection is cut in place of its answer, or in the middle of it. */
  | "lose the answer"
  | "halve the answer"
  /** The API carries it out, and its answer never comes. */
  | "keep the answer";

export interface Front {
  url: string;
  /** What arrived, in order. */
  requests: { method: string; path: string; headers: IncomingHttpHeaders; body: string; atMs: number }[];
  /** What becomes of the next requests, one after the other; of all others nothing special. */
  faults: Fault[];
  /** What becomes of all requests. */
  always: Fault | undefined;
  /** Nothing listens at its port any more, until it is opened again. */
  close(): Promise<void>;
  open(): Promise<void>;
}

const PASSED_ON = ["authorization", "content-type", "idempotency-key", "tickwork-user"];

export async function openFront(api: () => string): Promise<Front> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url: path = "", headers } = request;
    const body = (await buffer(request)).toString();
    front.requests.push({ method, path, headers, body, atMs: Date.now() });
    const fault = front.faults.shift() ?? front.always;
    if (fault === "hang") return;
    if (fault === "cut") throw new Error("as the test wants it");
    if (typeof fault === "object")
      return void response.writeHead(fault.status, fault.headers).end(fault.body ?? "");
    const passedOn = PASSED_ON.flatMap((name) => (headers[name] ? [[name, String(headers[name])]] : []));
    const answered = await fetch(api() + path, { method, headers: passedOn, body: body || null });
    const bytes = Buffer.from(await answered.arrayBuffer());
    if (fault === "keep the answer") return;
    if (fault === "lose the answer") throw new Error("as the test wants it");
    const answerHeaders = { ...Object.fromEntries(answered.headers), "content-length": bytes.length };
    response.writeHead(answered.status, answerHeaders);
    if (fault !== "halve the answer") return void response.end(bytes);
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  let port = 0;
  const front: Front = {
    url: "",
    requests: [],
    faults: [],
    always: undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
    async open() {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      ({ port } = server.address() as AddressInfo);
      front.url = `http://127.0.0.1:${port}`;
    },
  };
  await front.open();
  return front;
}
