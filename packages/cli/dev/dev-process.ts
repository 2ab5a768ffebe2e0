/** The process that serves, as the one that watches sees it. */
import { type ChildProcess, fork } from "node:child_process";
import type { Environment } from "#core";
import type { FromServer, ToServer } from "./messages.ts";

export interface DevProcess {
  /** How the tasks loaded. @returns undefined when it ended before it could say so */
  loaded: Promise<Extract<FromServer, { event: "loaded" | "failed" }> | undefined>;
  /** Has it serve. @returns undefined when it ended, after it has said why */
  serve(): Promise<Extract<FromServer, { event: "serving" }> | undefined>;
  /** Asks it to stop: running tasks end, or are given back. */
  stop(): Promise<void>;
  kill(): void;
  /** Its exit code or signal. */
  ended: Promise<number | NodeJS.Signals | null>;
}

/** @param args of this program, by which it knows what it is */
export function startDevProcess(args: readonly string[], env: Environment): DevProcess {
  const child: ChildProcess = fork(process.argv[1] ?? "", [...args], {
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal));
    child.once("error", () => resolve(null));
  });
  const told = <Event extends FromServer["event"]>(...events: Event[]) =>
    Promise.race([
      new Promise<Extract<FromServer, { event: Event }>>((resolve) => {
        child.on("message", (message: FromServer) => {
          if (events.some((event) => event === message.event))
            resolve(message as Extract<FromServer, { event: Event }>);
        });
      }),
      ended.then(() => undefined),
    ]);
  const send = (message: ToServer) => {
    // One that has ended needs no message.
    if (child.connected) child.send(message, () => {});
  };
  return {
    loaded: told("loaded", "failed"),
    serve() {
      const serving = told("serving");
      send("serve");
      return serving;
    },
    async stop() {
      send("stop");
      await ended;
    },
    kill: () => void child.kill("SIGKILL"),
    ended,
  };
}
