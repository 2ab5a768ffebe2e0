/** Real servers for handlers to talk to, each for the length of a test. */
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { onTestFinished } from "vitest";

export interface Received {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface TestServer {
  port: number;
  url: string;
  /** Requests that arrived whole. */
  received: Received[];
  /** Connections ever made. */
  connections: number;
  /** Connections that are open. */
  open: number;
}

/** A real server on 127.0.0.1 for the length of a test. */
export async function serve(listener: RequestListener): Promise<TestServer> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", () => {
      const { method, url: path, headers } = request;
      received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      listener(request, response);
    });
  });
  return listen(server, received);
}

/** Any server of connections, on 127.0.0.1 for the length of a test. */
export async function listen(server: Server, received: Received[] = []): Promise<TestServer> {
  const sockets = new Set<{ destroy(): void }>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    received,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
  };
}
