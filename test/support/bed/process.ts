/** The real server in a real process, as a user starts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { programArgs } from "./programs.ts";
import { copyTemplate, temporaryFolder } from "./template.ts";

export interface ServerProcess {
  url: string;
  apiKey: string;
  pid: number;
  /** What it printed. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals | null>;
  call<Body = unknown>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>;
}

const children = new Set<ChildProcess>();

/** A data folder in which the embedded Postgres is made and migrated already, so that a start takes a second. */
export function preparedFolder(): string {
  const folder = temporaryFolder();
  copyTemplate(join(folder, "postgres"), { migrated: true });
  return folder;
}

/** What `npm start` gives Node. */
export const FROM_SOURCES = ["--import", "tsx", "packages/local/main.ts"];

/**
 * @param under a command that runs it, with its arguments: one that limits what it may do
 * @param program the arguments of Node
 */
export function spawnServer(
  env: Record<string, string>,
  under: readonly string[] = [],
  program: readonly string[] = programArgs("local"),
) {
  const [command = "", ...args] = [...under, process.execPath, ...program];
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let output = "";
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk;
  });
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
      for (const listener of listeners) listener();
    });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    // Not `exit`: what it printed last may be under way.
    child.on("close", (code, signal) => {
      children.delete(child);
      resolve(code ?? signal);
      for (const listener of listeners) listener();
    });
  });
  /** Waits until it has printed something that matches. */
  const printed = (pattern: RegExp, limitMs = 60_000) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${pattern} was not printed within ${limitMs} ms:\n${output}`)),
        limitMs,
      );
      const look = () => {
        const match = pattern.exec(output);
        if (!match && child.exitCode === null && child.signalCode === null) return;
        clearTimeout(timer);
        listeners.delete(look);
        if (match) resolve(match);
        else reject(new Error(`it ended before ${pattern} was printed:\n${output}`));
      };
      listeners.add(look);
      look();
    });
  return { child, ended, printed, output: () => output, errors: () => errors };
}

/** Starts it and waits until it serves. */
export async function startServerProcess(
  env: Record<string, string>,
  program?: readonly string[],
): Promise<ServerProcess> {
  const { child, ended, printed, output } = spawnServer(env, [], program);
  const [, url = "", apiKey = ""] = await printed(/address +(\S+)\n +API key +(\S+)\n[\s\S]*curl[\s\S]*curl/);
  return {
    url,
    apiKey,
    pid: child.pid ?? 0,
    output,
    kill: (signal) => child.kill(signal),
    ended,
    async call<Body>(method: string, path: string, body?: unknown) {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: (text ? JSON.parse(text) : undefined) as Body };
    },
  };
}

/** For `afterEach`: nothing stays behind. */
export async function killAll(): Promise<void> {
  await Promise.all(
    [...children].map((child) => new Promise((resolve) => child.once("exit", resolve).kill("SIGKILL"))),
  );
}
