/** A function of Lambda: as many execution environments as it needs, and a queue for asynchronous invocations. */
import { randomUUID } from "node:crypto";
import { checkEventSize } from "../aws/event-limits.ts";
import { pause } from "./pause.ts";
import { FunctionError, type Outcome } from "./runtime-api.ts";
import type { LogLine, SandboxOptions } from "./sandbox.ts";
import { createSandboxPool, type SandboxPool } from "./sandbox-pool.ts";

export interface FunctionOptions extends Omit<SandboxOptions, "onLine"> {
  /** Sandboxes at a time; a new account has ten for everything. */
  maxConcurrency?: number;
  /** The pauses before a failed asynchronous invocation is tried again. Lambda's are about a minute, and two. */
  retryDelaysMs?: readonly number[];
}

/** One try of an invocation. */
export type Attempt = Outcome & {
  requestId: string;
  event: unknown;
  /** 1, or 2 and 3 of what was tried again. */
  nth: number;
  pid: number;
  /** How long the sandbox took to start, where it was started for this. */
  initMs?: number;
  durationMs: number;
};

export interface LambdaFunction extends Pick<SandboxPool, "sandboxes" | "busy"> {
  /** Waits for the result, as API Gateway does. Rejects with an AwsError, and starts nothing, if the event is too large. */
  invoke(event: unknown): Promise<Attempt>;
  /** Takes the event and goes on; a failure is tried again. Throws an AwsError if the event is too large. */
  invokeAsync(event: unknown): void;
  /** Every try so far that has ended. */
  attempts: Attempt[];
  /** Events that failed for good. */
  deadLetters: unknown[];
  log: LogLine[];
  /** Whether nothing is under way: no invocation, and no pause before a try. */
  idle(): boolean;
  close(): Promise<void>;
}

const CONCURRENCY = 10;
const RETRY_DELAYS_MS = [60_000, 120_000];

export function createFunction(options: FunctionOptions): LambdaFunction {
  const { maxConcurrency = CONCURRENCY, retryDelaysMs = RETRY_DELAYS_MS } = options;
  const log: LogLine[] = [];
  const pool = createSandboxPool({ ...options, onLine: (line) => void log.push(line) }, maxConcurrency);
  const closing = new AbortController();
  const attempts: Attempt[] = [];
  const deadLetters: unknown[] = [];
  const underWay = new Set<Promise<unknown>>();

  const attempt = async (about: Pick<Attempt, "event" | "requestId" | "nth">): Promise<Attempt> => {
    try {
      const { sandbox, cold } = await pool.take();
      const began = performance.now();
      const outcome = await sandbox.invoke(about);
      const durationMs = performance.now() - began;
      // Before anybody is told: who comes next finds it at rest.
      await pool.giveBack(sandbox);
      return { ...outcome, ...about, pid: sandbox.pid, durationMs, ...(cold && { initMs: sandbox.initMs }) };
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      return { ok: false, error: error.report, ...about, pid: 0, durationMs: 0 };
    }
  };
  const run = async (event: unknown, requestId: string, nth: number) => {
    const done = await attempt({ event, requestId, nth });
    attempts.push(done);
    return done;
  };
  /** The queue of asynchronous invocations: an event keeps its request id however often it is tried. */
  const deliver = async (event: unknown, requestId: string) => {
    for (let nth = 1; !closing.signal.aborted; nth++) {
      if ((await run(event, requestId, nth)).ok) return;
      const delayMs = retryDelaysMs[nth - 1];
      if (delayMs === undefined) return void deadLetters.push(event);
      await pause(delayMs, closing.signal);
    }
  };
  const tracked = <T>(work: Promise<T>): Promise<T> => {
    const ended: Promise<T> = work.finally(() => underWay.delete(ended));
    underWay.add(ended);
    return ended;
  };

  return {
    attempts,
    deadLetters,
    log,
    sandboxes: pool.sandboxes,
    busy: () => pool.busy(),
    idle: () => underWay.size === 0,
    async invoke(event) {
      checkEventSize("RequestResponse", JSON.stringify(event));
      return tracked(run(event, randomUUID(), 1));
    },
    invokeAsync: (event) => {
      // On the wire, an event is JSON.
      const payload = JSON.stringify(event);
      checkEventSize("Event", payload);
      void tracked(deliver(JSON.parse(payload), randomUUID()));
    },
    async close() {
      closing.abort();
      await pool.close();
      // One that was about to start is killed as soon as it has.
      await Promise.allSettled(underWay);
    },
  };
}
