/**
 * An execution environment: one process that runs a function, frozen while it has nothing to do, as Lambda freezes it,
 * and killed when the function's time is up.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { pause } from "./pause.ts";
import { FunctionError, type Invocation, type Outcome, serveRuntimeApi } from "./runtime-api.ts";

export interface SandboxOptions {
  /** The runtime: what is started, with its arguments. */
  command: readonly string[];
  cwd: string;
  env: Record<string, string>;
  functionArn: string;
  timeoutMs: number;
  /** Lambda sends SIGTERM only where the function has an extension. */
  extension: boolean;
  /** A line that the function has written. */
  onLine(line: LogLine): void;
}

export interface LogLine {
  pid: number;
  stream: "stdout" | "stderr";
  line: string;
}

export interface Sandbox {
  pid: number;
  /** From the start of the process until it asked for its first invocation. */
  initMs: number;
  /** Resolves when its process is gone. */
  ended: Promise<unknown>;
  /** Thaws it for one invocation. */
  invoke(invocation: Pick<Invocation, "requestId" | "event">): Promise<Outcome>;
  /** Resolves when it has nothing to do and is frozen; rejects with a FunctionError when it has ended. */
  rest(): Promise<void>;
  /** Ends it as Lambda does: SIGTERM and a moment where there is an extension, then SIGKILL. */
  shutDown(): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** How long Lambda waits for a function to start. */
const INIT_LIMIT_MS = 10_000;
/** How long a function and its extensions have between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000;

const children = new Set<ChildProcess>();
// A test run that is stopped leaves no frozen process behind.
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** @throws FunctionError when the function cannot be started */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { functionArn, timeoutMs, extension, onLine } = options;
  const api = await serveRuntimeApi();
  const startedAt = performance.now();
  const [program = "", ...args] = options.command;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...options.env, AWS_LAMBDA_RUNTIME_API: api.address },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  for (const stream of ["stdout", "stderr"] as const)
    createInterface({ input: child[stream] }).on("line", (line) =>
      onLine({ pid: child.pid ?? 0, stream, line }),
    );
  const exit = new Promise<FunctionError>((resolve) => {
    child.once("exit", (code, signal) => {
      children.delete(child);
      void api.close();
      const how = signal ? `signal: ${signal}` : `exit status ${code}`;
      const errorMessage = `Runtime exited with error: ${how}`;
      resolve(new FunctionError({ errorType: "Runtime.ExitError", errorMessage }));
    });
  });
  const alive = () => child.exitCode === null && child.signalCode === null;
  const kill = async () => {
    if (alive()) child.kill("SIGKILL");
    await exit;
  };
  const shutDown = async () => {
    if (!alive()) return;
    child.kill("SIGCONT");
    if (extension) {
      child.kill("SIGTERM");
      await Promise.race([exit, pause(GRACE_MS)]);
    }
    await kill();
  };
  const rest = async () => {
    const asked = api.idle().then(() => "idle" as const);
    const end = await Promise.race([asked, exit, pause(INIT_LIMIT_MS)]).catch((error: unknown) => error);
    if (end === "idle") return void child.kill("SIGSTOP");
    await kill();
    if (end instanceof FunctionError) throw end;
    const errorMessage = `The runtime did not ask for work within ${INIT_LIMIT_MS} ms`;
    throw new FunctionError({ errorType: "Runtime.InitTimeout", errorMessage });
  };

  await rest();
  return {
    pid: child.pid ?? 0,
    initMs: performance.now() - startedAt,
    ended: exit,
    rest,
    shutDown,
    kill,
    async invoke({ requestId, event }) {
      if (!alive()) return { ok: false, error: (await exit).report };
      child.kill("SIGCONT");
      const timer = new AbortController();
      const answer = api.invoke({ requestId, event, functionArn, deadlineMs: Date.now() + timeoutMs });
      const end = await Promise.race([answer, exit, pause(timeoutMs, timer.signal)]);
      timer.abort();
      if (!end) {
        await shutDown();
        const errorMessage = `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
        return { ok: false, error: { errorType: "Sandbox.Timedout", errorMessage } };
      }
      return end instanceof FunctionError ? { ok: false, error: end.report } : end;
    },
  };
}
