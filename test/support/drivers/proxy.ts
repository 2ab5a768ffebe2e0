/** A TCP proxy in front of a server, which can be cut, silenced and taken away. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpProxy {
  port: number;
  /** `silent` takes everything and answers nothing; `gone` closes every connection. */
  mode: "open" | "silent" | "gone";
  /** Cuts the connection that sends something that matches: before the server sees it, or before its answer comes back. */
  cut: { at: "request" | "answer"; what: RegExp; times: number } | undefined;
  /** Has nothing more of the connections that there are go through, as a network that forgot them; new ones work. */
  forget(): void;
  close(): Promise<void>;
}

export async function openProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const forgotten = new WeakSet<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    let cutting = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", end).on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on("data", (data) => {
      if (proxy.mode === "silent" || forgotten.has(client)) return;
      if (proxy.cut && proxy.cut.times > 0 && proxy.cut.what.test(data.toString("latin1"))) {
        proxy.cut.times--;
        if (proxy.cut.at === "request") return end();
        cutting = true;
      }
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (proxy.mode === "silent") return;
      if (cutting) return end();
      client.write(data);
    });
    if (proxy.mode === "gone") end();
  });
  let mode: TcpProxy["mode"] = "open";
  const proxy: TcpProxy = {
    port: 0,
    get mode() {
      return mode;
    },
    set mode(next) {
      mode = next;
      if (next === "gone") for (const socket of sockets) socket.destroy();
    },
    cut: undefined,
    forget() {
      for (const socket of sockets) forgotten.add(socket);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy.port = (server.address() as AddressInfo).port;
  return proxy;
}
