/** TLS in front of a server that has none, as at a provider: for PostgreSQL, which is asked for it first, and for Redis. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { selfSigned } from "../web/self-signed.ts";

/** The name in the certificate; it leads to this machine. */
export const TLS_HOST = "localhost";

export interface TlsFront {
  port: number;
  /** The connections that there are. */
  connections: number;
  /** Ends them, as a server does that is started again. */
  endAll(): void;
  close(): Promise<void>;
}

/** What a client of PostgreSQL begins with: eight bytes, the last four of which ask for TLS. */
const SSL_REQUEST = Buffer.from("0000000804d2162f", "hex");

export const certificate = selfSigned(TLS_HOST);

/** @param port of the server behind it */
export async function openTlsFront(port: number, kind: "postgres" | "redis"): Promise<TlsFront> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: () => void) => {
    sockets.add(socket);
    socket.on("error", other).on("close", () => {
      sockets.delete(socket);
      other();
    });
  };
  const server = createServer((raw) => {
    front.connections++;
    raw.on("close", () => front.connections--);
    const serve = () => {
      const client = new TLSSocket(raw, { isServer: true, ...certificate });
      const upstream = connect(port, "127.0.0.1");
      keep(client, () => upstream.destroy());
      keep(upstream, () => client.destroy());
      client.pipe(upstream).pipe(client);
    };
    keep(raw, () => {});
    if (kind === "redis") serve();
    else
      raw.once("data", (asked: Buffer) => {
        if (!asked.equals(SSL_REQUEST)) {
          raw.destroy();
          return;
        }
        raw.write("S");
        serve();
      });
  });
  const front: TlsFront = {
    port: 0,
    connections: 0,
    endAll() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      front.endAll();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  front.port = (server.address() as AddressInfo).port;
  return front;
}
