/** Processes that may not outlive this one, however it ends. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { createServer } from "node:net";
import { eventually } from "../eventually.ts";

const children = new Map<ChildProcess, NodeJS.Signals>();
process.on("exit", () => {
  for (const [child, signal] of children) {
    child.kill("SIGCONT");
    child.kill(signal);
  }
});

export interface OwnProcess {
  child: ChildProcess;
  pid: number;
  /** How it ended: the exit code or the signal. */
  ended: Promise<number | NodeJS.Signals | null>;
}

/** @param lastSignal what it gets when this process ends */
export function startProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  lastSignal: NodeJS.Signals = "SIGKILL",
): OwnProcess {
  const child = spawn(command, args, options);
  children.set(child, lastSignal);
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      children.delete(child);
      resolve(code ?? signal);
    });
  });
  return { child, pid: child.pid ?? 0, ended };
}

/** A server that can be ended and started again. */
export function restartable(launch: () => OwnProcess, answers: () => Promise<unknown>, limitMs?: number) {
  let running: OwnProcess | undefined;
  return {
    /** Resolves when it answers. */
    async start(): Promise<void> {
      running = launch();
      const answering = () =>
        answers().then(
          () => true,
          () => false,
        );
      await eventually(answering, limitMs === undefined ? {} : { limitMs });
    },
    signal: (signal: NodeJS.Signals): void => void running?.child.kill(signal),
    async end(signal: NodeJS.Signals): Promise<void> {
      running?.child.kill(signal);
      await running?.ended;
      running = undefined;
    },
  };
}

/** Below those that systems give out by themselves; each process that runs tests has some of its own. */
const [FIRST_PORT, PORTS_EACH, SHARES] = [20_000, 500, 20];
let nextPort = Math.floor(Math.random() * PORTS_EACH);

/** A port that nobody listens on, and that nobody else is given before it is used. */
export async function sparePort(): Promise<number> {
  const share = Number(process.env.VITEST_POOL_ID ?? 0) % SHARES;
  for (let tries = 0; tries < PORTS_EACH; tries++) {
    const port = FIRST_PORT + share * PORTS_EACH + (nextPort++ % PORTS_EACH);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free in share ${share}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
