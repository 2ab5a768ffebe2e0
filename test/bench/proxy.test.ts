/** What the bench's numbers with a slower network rest on. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { countStatements, openProxy } from "../../bench/proxy.ts";

const closes: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

/** A server that sends back what it gets. */
async function echo(): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closes.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function through(delayMs: number): Promise<Socket> {
  const proxy = await openProxy({ port: await echo(), delayMs });
  closes.push(proxy.close);
  const socket = connect({ port: proxy.port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  closes.push(() => socket.destroy());
  return socket;
}

describe("the proxy", () => {
  test.each([1, 5])("adds %d ms to a round trip, half of it each way", async (delayMs) => {
    const socket = await through(delayMs);
    // Timers of Node would make two milliseconds of one.
    const limitMs = delayMs + 0.9;
    let leastMs = Number.POSITIVE_INFINITY;
    // A machine with other work delays some trips, but not all.
    for (let trip = 0; trip < 50 || (trip < 1_000 && leastMs >= limitMs); trip++) {
      const beganMs = performance.now();
      socket.write("ping");
      await once(socket, "data");
      leastMs = Math.min(leastMs, performance.now() - beganMs);
    }
    expect(leastMs).toBeGreaterThanOrEqual(delayMs);
    expect(leastMs).toBeLessThan(limitMs);
  });

  test("delays what comes together by the same time, and keeps its order", async () => {
    const socket = await through(100);
    let text = "";
    const beganMs = performance.now();
    for (let part = 0; part < 20; part++) socket.write(`${part};`);
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.endsWith("19;")) break;
    }
    expect(text).toBe(Array.from({ length: 20 }, (_, part) => `${part};`).join(""));
    // One after the other, they would take twenty times the delay.
    expect(performance.now() - beganMs).toBeLessThan(1_500);
  });
});

test("statements are counted, however the messages are cut", () => {
  const message = (letter: string, text: string) => {
    const head = Buffer.alloc(letter.length + 4);
    head.write(letter);
    head.writeInt32BE(4 + text.length, letter.length);
    return Buffer.concat([head, Buffer.from(text)]);
  };
  const sent = Buffer.concat([
    message("", "start-up"),
    message("Q", "select 1"),
    message("P", "select $1"),
    message("B", "Q"),
    message("E", ""),
    message("S", ""),
    message("Q", "listen them"),
  ]);
  const connection = {} as Socket;
  for (const size of [1, 7, 1_000]) {
    const statements = countStatements();
    const one = { ...connection } as Socket;
    for (let from = 0; from < sent.length; from += size)
      statements.sent(one, sent.subarray(from, from + size));
    expect(statements.count(), `in pieces of ${size}`).toBe(3);
  }
});
