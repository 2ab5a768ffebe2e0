/** A real mail server that counts what it accepts. */
import type { AddressInfo, Socket } from "node:net";
import { SMTPServer } from "smtp-server";

export interface MailServer {
  url: string;
  /** What was accepted, in its order: the moment counts at which the server has the whole text. */
  accepted: { to: string; text: string }[];
  /** What the server answers to a recipient: a code and a text, or nothing for 250; with 0, it hangs up. */
  refuse: Map<string, [code: number, text: string]>;
  /** Called when the server has the whole text, before it says so. */
  before: (to: string) => Promise<void> | void;
  connections: number;
  /** Ends all connections, without a word. */
  hangUp(): void;
  close(): Promise<void>;
}

export async function startMailServer(): Promise<MailServer> {
  const refuse: MailServer["refuse"] = new Map();
  const sockets = new Set<Socket>();
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  const mail: MailServer = { url: "", accepted: [], refuse, before: () => {}, connections: 0, hangUp, close };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    onConnect(_session, done) {
      mail.connections++;
      done();
    },
    onRcptTo({ address }, _session, done) {
      const [responseCode, text] = refuse.get(address) ?? [];
      if (responseCode === undefined) return done();
      if (responseCode === 0) return hangUp();
      done(Object.assign(new Error(text), { responseCode }));
    },
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", async () => {
        for (const { address } of envelope.rcptTo) {
          mail.accepted.push({ to: address, text: Buffer.concat(chunks).toString() });
          await mail.before(address);
        }
        done();
      });
    },
  });
  server.on("error", () => {});
  server.server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  mail.url = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  function close() {
    return new Promise<void>((resolve) => server.close(() => resolve()));
  }
  return mail;
}
