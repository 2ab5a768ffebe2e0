/** What no client sends, on a socket: half requests, two in one, lies about the length, and what never ends. */
import type { Socket } from "node:net";
import type { HttpRequest } from "../requests.ts";
import { exchange } from "../wire.ts";
import type { Attack } from "./attack.ts";

const CRLF = "\r\n";
const lines = (...all: string[]) => `${all.join(CRLF)}${CRLF}${CRLF}`;

/** A body without an end is cut off after this; so is whatever else a client starts and does not finish. */
const PATIENCE_MS = 1_500;

interface Raw {
  name: string;
  /** What is written; `KEY` stands for the key. */
  write: string | Buffer | ((socket: Socket, key: string) => Promise<void> | void);
  /** What each answer may have; a connection that is cut without one is fine if it may be. */
  statuses: number[];
  /** May be cut, or left, without an answer. */
  silence?: boolean;
}

const asRequest = (name: string): HttpRequest => ({ name, method: "RAW", target: "", headers: [] });

const raw =
  ({ name, write, statuses, silence = false }: Raw): Attack =>
  async ({ target, key, note, settle }) => {
    if (target.port === undefined) return;
    const { answers } = await exchange(
      target.port,
      async (socket) => {
        if (typeof write === "function") await write(socket, key);
        else
          socket.write(
            typeof write === "string" ? Buffer.from(write.replaceAll("KEY", key), "latin1") : write,
          );
      },
      { limitMs: PATIENCE_MS },
    );
    if (answers.length === 0 && !silence) note(`${name}: there was no answer`, name);
    for (const { status, text } of answers)
      if (!statuses.includes(status))
        note(`${name}: answered ${status}, not ${statuses.join(" or ")}: ${text.slice(0, 200)}`, name);
    await settle(asRequest(name), answers);
  };

const AUTH = "Authorization: Bearer KEY";
const TASK = '{"type":"cleanup","task_data":{"older_than_days":1}}';

/** Writes again and again until the server has enough. */
async function flood(socket: Socket, chunk: Buffer): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (!socket.destroyed && performance.now() < until) {
    if (!socket.write(chunk))
      await new Promise((resolve) => {
        const goOn = () => resolve(void socket.off("drain", goOn).off("close", goOn));
        socket.on("drain", goOn).on("close", goOn);
      });
  }
}

export const socketAttacks: readonly Attack[] = [
  raw({
    name: "no Host",
    write: lines("GET /tasks HTTP/1.1", AUTH, "Connection: close"),
    statuses: [200, 400],
  }),
  raw({
    name: "no Host in HTTP/1.0",
    write: lines("GET /tasks HTTP/1.0", AUTH),
    statuses: [200, 400],
  }),
  ...["a b", "[::1", "a/b", "a@b", "%", "\xff", ":", "a:b:c", "127.0.0.1:99999", ""].map((host) =>
    raw({
      name: `the Host ${host}`,
      write: lines("GET /tasks HTTP/1.1", `Host: ${host}`, AUTH, "Connection: close"),
      statuses: [200, 400],
    }),
  ),
  raw({
    name: "two Hosts",
    write: lines("GET /tasks HTTP/1.1", "Host: a", "Host: b", AUTH, "Connection: close"),
    statuses: [200, 400],
  }),
  raw({ name: "garbage", write: Buffer.from([0, 1, 2, 3, 13, 10, 13, 10]), statuses: [400] }),
  raw({ name: "TLS", write: Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), statuses: [400] }),
  raw({
    name: "pipelined garbage",
    write: `${lines("GET /tasks HTTP/1.1", "Host: a", AUTH)}\0\0garbage${CRLF}${CRLF}`,
    statuses: [200, 400],
  }),
  raw({
    name: "twenty requests in a row",
    write: `${lines("GET /health/tasks HTTP/1.1", "Host: a").repeat(20)}${lines("GET /health/tasks HTTP/1.1", "Host: a", "Connection: close")}`,
    statuses: [200],
  }),
  raw({
    name: "two lengths",
    write: `${lines("POST /tasks HTTP/1.1", "Host: a", AUTH, "Content-Length: 4", "Content-Length: 60", "Connection: close")}${TASK}`,
    statuses: [400],
  }),
  raw({
    name: "a length and chunks",
    write: `${lines("POST /tasks HTTP/1.1", "Host: a", AUTH, "Content-Length: 4", "Transfer-Encoding: chunked")}0${CRLF}${CRLF}${lines("DELETE /tasks/2 HTTP/1.1", "Host: a", AUTH)}`,
    statuses: [400],
  }),
  raw({
    name: "an obscure transfer encoding",
    write: `${lines("POST /tasks HTTP/1.1", "Host: a", AUTH, "Transfer-Encoding: xchunked")}0${CRLF}${CRLF}`,
    statuses: [400, 411, 501],
  }),
  raw({
    name: "a chunk that says more than it has",
    write: `${lines("POST /tasks HTTP/1.1", "Host: a", AUTH, "Transfer-Encoding: chunked")}ffffffffffffffffff${CRLF}x`,
    statuses: [400],
  }),
  raw({
    name: "a length that is a word",
    write: lines("POST /tasks HTTP/1.1", "Host: a", AUTH, "Content-Length: many"),
    statuses: [400],
  }),
  raw({
    name: "a negative length",
    write: lines("POST /tasks HTTP/1.1", "Host: a", AUTH, "Content-Length: -1"),
    statuses: [400],
  }),
  raw({
    name: "a huge length without a body",
    write: lines("POST /tasks HTTP/1.1", "Host: a", AUTH, "Content-Length: 99999999999"),
    statuses: [400, 413],
    silence: true,
  }),
  raw({
    name: "headers of 100 KB",
    write: lines(
      "GET /tasks HTTP/1.1",
      "Host: a",
      AUTH,
      `X-Large: ${"x".repeat(100_000)}`,
      "Connection: close",
    ),
    statuses: [431],
  }),
  raw({
    name: "5,000 headers",
    write: lines(
      "GET /tasks HTTP/1.1",
      "Host: a",
      AUTH,
      ...Array.from({ length: 5_000 }, (_, n) => `a${n}: 1`),
      "Connection: close",
    ),
    statuses: [200, 431],
  }),
  raw({
    name: "a target of 100 KB",
    write: lines(`GET /${"a".repeat(100_000)} HTTP/1.1`, "Host: a", AUTH),
    statuses: [414, 431],
  }),
  raw({
    name: "a line break in a header",
    write: lines("GET /tasks HTTP/1.1", "Host: a", AUTH, "X: a\rSet-Cookie: b", "Connection: close"),
    statuses: [400],
  }),
  raw({
    name: "a folded header",
    write: lines("GET /tasks HTTP/1.1", "Host: a", AUTH, "X: a", " b", "Connection: close"),
    statuses: [200, 400],
  }),
  raw({
    name: "NUL in the target",
    write: lines("GET /ta\0sks HTTP/1.1", "Host: a", AUTH, "Connection: close"),
    statuses: [400],
  }),
  raw({
    name: "a target that is no path",
    write: lines("GET tasks HTTP/1.1", "Host: a", AUTH, "Connection: close"),
    statuses: [200, 400, 404],
  }),
  raw({
    name: "CONNECT",
    write: lines("CONNECT example.com:80 HTTP/1.1", "Host: a", AUTH),
    statuses: [400, 404, 405],
    silence: true,
  }),
  raw({
    name: "an upgrade",
    write: lines("GET /tasks HTTP/1.1", "Host: a", AUTH, "Upgrade: websocket", "Connection: Upgrade, close"),
    statuses: [200, 400],
    silence: true,
  }),
  raw({
    name: "half a request",
    write: (socket, key) =>
      void socket.end(
        lines("POST /tasks HTTP/1.1", "Host: a", AUTH.replace("KEY", key), "Content-Length: 100") + TASK,
      ),
    statuses: [400],
    silence: true,
  }),
  raw({
    name: "an endless body without a key",
    write: async (socket) => {
      socket.write(lines("POST /tasks HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"));
      const chunk = Buffer.alloc(65_536, "x");
      await flood(socket, Buffer.concat([Buffer.from(`10000${CRLF}`), chunk, Buffer.from(CRLF)]));
    },
    statuses: [401, 413],
    silence: true,
  }),
  /** While fifty clients send a body of a byte a second, others are served. */
  async ({ target, key, note, settle }) => {
    const { port } = target;
    if (port === undefined) return;
    const head = lines(
      "POST /tasks HTTP/1.1",
      "Host: a",
      `Authorization: Bearer ${key}`,
      "Content-Length: 1000",
    );
    const slow = Array.from({ length: 50 }, () =>
      exchange(
        port,
        (socket) => {
          socket.write(head);
          const drip = setInterval(() => socket.write(" "), 100);
          socket.once("close", () => clearInterval(drip));
        },
        { limitMs: 1_000 },
      ),
    );
    const began = performance.now();
    const answer = await target.send({ name: "", method: "GET", target: "/health/tasks", headers: [] });
    if (answer?.status !== 200) note("fifty slow bodies: health is not answered", String(answer?.status));
    if (performance.now() - began > 900)
      note("fifty slow bodies: others wait", `${performance.now() - began} ms`);
    await Promise.all(slow);
    await settle(asRequest("fifty slow bodies"), []);
  },
];
