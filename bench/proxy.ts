/** A TCP proxy in front of a server: adds time to each round trip, and counts what Postgres is asked. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createDelay } from "./delay.ts";

export interface ProxyOptions {
  /** The port of the server, on this machine. */
  port: number;
  /** Added to a round trip, half of it each way. */
  delayMs: number;
  /** Called with what a client sends. */
  sent?: (connection: Socket, chunk: Buffer) => void;
}

export interface OpenedProxy {
  port: number;
  close(): Promise<void>;
}

export async function openProxy({ port, delayMs, sent }: ProxyOptions): Promise<OpenedProxy> {
  const delay = delayMs > 0 ? createDelay(delayMs / 2) : undefined;
  const sockets = new Set<Socket>();
  const later = (run: () => void) => (delay ? delay.after(run) : run());
  const forward = (from: Socket, to: Socket) => {
    from.on("data", (chunk) => later(() => void (to.destroyed || to.write(chunk))));
    from.on("end", () => later(() => void to.end()));
    from.on("close", () => later(() => void to.destroy()));
    // Its end follows.
    from.on("error", () => {});
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
    if (sent) client.on("data", (chunk) => sent(client, chunk));
    forward(client, upstream);
    forward(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await delay?.close();
    },
  };
}

/** Messages of Postgres's protocol with which a client has something executed: Query and Execute. */
const EXECUTES = new Set(["Q", "E"].map((letter) => letter.charCodeAt(0)));

/**
 * Counts the statements in what clients of Postgres send.
 *
 * @example const statements = countStatements(); openProxy({ port, delayMs: 0, sent: statements.sent });
 */
export function countStatements(): { sent: NonNullable<ProxyOptions["sent"]>; count(): number } {
  let count = 0;
  const streams = new WeakMap<Socket, { rest: Buffer; letters: 0 | 1 }>();
  return {
    count: () => count,
    sent(connection, chunk) {
      // The first message of a connection has a length and no letter before it.
      const stream = streams.get(connection) ?? { rest: Buffer.alloc(0), letters: 0 };
      streams.set(connection, stream);
      stream.rest = Buffer.concat([stream.rest, chunk]);
      for (;;) {
        const { rest, letters } = stream;
        const length =
          rest.length < letters + 4 ? Number.POSITIVE_INFINITY : letters + rest.readInt32BE(letters);
        if (rest.length < length) return;
        if (letters === 1 && EXECUTES.has(rest[0] ?? 0)) count++;
        stream.rest = rest.subarray(length);
        stream.letters = 1;
      }
    },
  };
}
