/** The command line in real processes, as a user starts it, in a project of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { programArgs } from "../bed/programs.ts";
import { copyTemplate } from "../bed/template.ts";
import { ROOT } from "../imports.ts";

export interface Ended {
  code: number | NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** What it has written so far, on both streams. */
  output(): string;
  /** Waits until it has written this, behind what an earlier call found. */
  wrote(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface Project {
  folder: string;
  write(file: string, content: string): void;
  /** Starts a command. */
  start(args: readonly string[], options?: StartOptions): Running;
  /** Runs a command to its end. */
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
  /** Ends all that runs, and removes the folder. */
  close(): Promise<void>;
}

export interface StartOptions {
  env?: Record<string, string>;
  /** What it reads. */
  input?: string;
}

/** Longer than any command takes on a busy machine. */
const LIMIT_MS = 60_000;

/** A project with an embedded Postgres that is made already, and as a rule migrated, and with Valibot. */
export function openProject(settings: Record<string, string> = {}, { migrated = true } = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), "tickwork-cli-"));
  const running = new Set<Running>();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(ROOT, "node_modules/valibot"), join(folder, "node_modules/valibot"));
  copyTemplate(join(folder, ".tickwork/postgres"), { migrated });
  const start = (args: readonly string[], { env = {}, input }: StartOptions = {}) => {
    const child = spawn(process.execPath, [...programArgs("cli"), ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(input ?? "");
    const one = follow(child);
    running.add(one);
    void one.ended.then(() => running.delete(one));
    return one;
  };
  return {
    folder,
    write(file, content) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      // At once: who watches would see an empty file in between.
      writeFileSync(join(folder, `${file}.new`), content);
      renameSync(join(folder, `${file}.new`), join(folder, file));
    },
    start,
    run: (args, options) => start(args, options).ended,
    async close() {
      for (const { child } of running) child.kill("SIGKILL");
      await Promise.all([...running].map(({ ended }) => ended));
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

function follow(child: ChildProcess): Running {
  let stdout = "";
  let stderr = "";
  let output = "";
  let read = 0;
  const listeners = new Set<() => void>();
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk;
    output += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk;
    output += chunk;
    for (const listener of listeners) listener();
  });
  let isOver = false;
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => {
      isOver = true;
      resolve({ code: code ?? signal, stdout, stderr });
      for (const listener of listeners) listener();
    });
  });
  const wrote = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${pattern} ${why}:\n${output}`));
      const timer = setTimeout(() => fail(`was not written within ${LIMIT_MS} ms`), LIMIT_MS);
      const look = () => {
        const match = pattern.exec(output.slice(read));
        if (!match && !isOver) return;
        clearTimeout(timer);
        listeners.delete(look);
        if (!match) return fail("was not written before it ended");
        read += match.index + match[0].length;
        resolve(match);
      };
      listeners.add(look);
      look();
    });
  return { child, ended, output: () => output, wrote };
}

/** A module of tasks: `greet`, which says so, and `slow`, which takes its time and tells how far it is. */
export const tasksModule = (greeting: string) => `
import * as v from "valibot";
import { defineTask } from "tickwork";
import { nameOf } from "./names.ts";

export const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string() }),
  run: async ({ name }) => ({ greeting: \`${greeting} \${nameOf(name)}\` }),
});
export const slow = defineTask({
  type: "slow",
  data: v.object({ seconds: v.number() }),
  async run({ seconds }, { progress, signal }) {
    await progress(0.5);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1_000);
      signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); });
    });
    return "done";
  },
});
export const failing = defineTask({ type: "failing", run: async () => { throw new Error("as it was meant to"); } });
`;
export const NAMES = "export const nameOf = (name: string): string => name;\n";
