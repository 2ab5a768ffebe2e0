import { getEventListeners } from "node:events";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { lazyTask, type TaskContext, type TaskDefinition } from "#core";
import { ABORT_GRACE_MS } from "../../../packages/core/limits.ts";
import { TaskAborted } from "../../../packages/core/run/abort.ts";
import { type AttemptDeps, runAttempt } from "../../../packages/core/run/attempt.ts";
import { createRegistry } from "../../../packages/core/tasks/registry.ts";
import { noteLog } from "../../support/run/noted-log.ts";
import { aLease, aTask } from "../../support/run/rows.ts";
import { handlerConfig } from "../../support/web/run-task.ts";
import { createVirtualClock } from "../../support/world/virtual-clock.ts";

const LEASE_MS = 60_000;

/** One attempt at a task, on a Postgres that renews its lease, with the time in the hands of the test. */
function attempt(
  definition: Partial<TaskDefinition>,
  { task = aTask(), interrupt = new AbortController().signal, hadWholeInvocation = false } = {},
) {
  const clock = createVirtualClock();
  const { log, lines } = noteLog();
  const exits: string[] = [];
  const tasks = {} as AttemptDeps["tasks"];
  const deps: AttemptDeps = {
    store: {
      readNotes: async () => ({}),
      writeNotes: async () => undefined,
      renew: async () => ({ standing: { id: 7, rev: 3, kind: "gone" }, cancelRequested: false }),
    },
    registry: createRegistry([{ type: "any", run: async () => {}, ...definition }]),
    scheduler: { begin: async () => undefined, ended: async () => {}, keepUp: async (window) => window },
    clock,
    log,
    leaseMs: LEASE_MS,
    maxCrashes: 3,
    tasks,
    handlerConfig,
    readRows: async () => [],
    deleteFinished: async () => 0,
    exit: async (reason) => void exits.push(reason) as never,
  };
  const lease = aLease(clock.now(), task);
  const run = () => runAttempt(deps, lease, { interrupt, hadWholeInvocation, renewed: () => {} });
  return { run, clock, lines, exits, tasks };
}

describe("the handler", () => {
  test("gets its data as the schema makes it, and everything about its attempt", async () => {
    const seen: [unknown, TaskContext][] = [];
    const task = aTask({ attempts: 2, task_data: { name: "Ada" } });
    const interrupt = new AbortController().signal;
    const { run, clock, lines, tasks } = attempt(
      {
        data: v.object({ name: v.string(), loud: v.optional(v.boolean(), false) }),
        timeoutSeconds: 30,
        run: async (data, context) => {
          context.log.info("hello");
          seen.push([data, context]);
          return 1;
        },
      },
      { task, interrupt },
    );
    expect(await run()).toEqual({ kind: "completed", result: 1 });
    expect(getEventListeners(interrupt, "abort")).toEqual([]);
    const [[data, context] = []] = seen;
    expect(data).toEqual({ name: "Ada", loud: false });
    expect(context).toMatchObject({ task, attempt: 2, deadline: new Date(clock.now() + 30_000) });
    expect(context?.signal.aborted).toBe(false);
    expect(context?.tasks).toBe(tasks);
    expect(context?.config).toBe(handlerConfig);
    expect(lines).toMatchObject([{ message: "hello", task: 7, type: "any", attempt: 2 }]);
  });

  test("does not start with data that its schema refuses", async () => {
    let started = false;
    const { run } = attempt(
      {
        data: v.object({ name: v.string() }),
        maxAttempts: 3,
        run: async () => {
          started = true;
        },
      },
      { task: aTask({ task_data: { name: 5 } }) },
    );
    expect(await run()).toMatchObject({
      kind: "failed",
      error: { code: "invalid_data", message: expect.stringMatching(/^task_data\.name: /) },
    });
    expect(started).toBe(false);
  });

  test("that nobody has is left to who has it", async () => {
    const { run } = attempt({}, { task: aTask({ type: "unheard of" }) });
    expect(await run()).toEqual({ kind: "given_back" });
  });

  test("may throw before it returns a promise", async () => {
    const { run } = attempt({
      run: () => {
        throw new RangeError("at once");
      },
    });
    expect(await run()).toMatchObject({ kind: "failed", error: { name: "RangeError", message: "at once" } });
  });

  test("whose code cannot be loaded has failed like one that throws, and is tried again", async () => {
    const { run } = attempt(
      lazyTask({ type: "any", maxAttempts: 2, load: () => Promise.reject(new Error("no such file")) }),
    );
    expect(await run()).toMatchObject({ kind: "retried", error: { message: "no such file" } });
  });

  test("whose data is still being checked when its time is up does not start", async () => {
    let started = false;
    const { run, clock } = attempt({
      timeoutSeconds: 5,
      data: v.pipeAsync(
        v.unknown(),
        v.checkAsync(async () => {
          await clock.sleep(6_000);
          return true;
        }),
      ),
      run: async () => {
        started = true;
      },
    });
    const ended = run();
    await clock.pass(6_000);
    expect(await ended).toMatchObject({ kind: "failed", error: { code: "timeout" } });
    expect(started).toBe(false);
  });

  test("does not start when the claim was answered so late that the lease may be over", async () => {
    const { run, clock } = attempt({});
    await clock.pass(LEASE_MS);
    expect(await run()).toEqual({ kind: "given_back" });
  });

  test("does not start when the process has to stop", async () => {
    const { run } = attempt({}, { interrupt: AbortSignal.abort(new TaskAborted("shutdown")) });
    expect(await run()).toEqual({ kind: "given_back" });
  });
});

describe("a handler that is told to stop", () => {
  /** Ends so long after its signal. */
  const stopping = (afterMs: number, end: "throws" | "returns" = "throws") => {
    const interrupt = new AbortController();
    const one: ReturnType<typeof attempt> = attempt(
      {
        run: (_, { signal }) =>
          new Promise((finish, fail) => {
            signal.addEventListener("abort", () =>
              one.clock.after(afterMs, () => (end === "returns" ? finish("in time") : fail(signal.reason))),
            );
          }),
      },
      { interrupt: interrupt.signal },
    );
    return { ...one, interrupt };
  };

  test("for the reason of its process has a moment to end", async () => {
    const { run, clock, exits, interrupt } = stopping(ABORT_GRACE_MS - 1);
    const ended = run();
    await clock.pass(0);
    interrupt.abort(new TaskAborted("shutdown"));
    await clock.pass(ABORT_GRACE_MS);
    expect(await ended).toMatchObject({ kind: "interrupted", record: { attempt: 1, code: "shutdown" } });
    expect(exits).toEqual([]);
    expect(getEventListeners(interrupt.signal, "abort")).toEqual([]);
  });

  test("and completes its work all the same has completed", async () => {
    const { run, clock, interrupt } = stopping(1_000, "returns");
    const ended = run();
    await clock.pass(0);
    interrupt.abort(new TaskAborted("shutdown"));
    await clock.pass(1_000);
    expect(await ended).toEqual({ kind: "completed", result: "in time" });
  });

  test("and goes on costs its process, and counts as a crash (rule 11)", async () => {
    const { run, clock, exits, interrupt } = stopping(2 * ABORT_GRACE_MS);
    const ended = run();
    await clock.pass(0);
    interrupt.abort(new TaskAborted("shutdown"));
    await clock.pass(ABORT_GRACE_MS - 1);
    expect(exits).toEqual([]);
    await clock.pass(1);
    expect(exits).toEqual([
      `the handler of task 7 (any) was still running ${ABORT_GRACE_MS} ms after its signal: the process is shutting down`,
    ]);
    expect(await ended).toMatchObject({ kind: "crashed", record: { attempt: 1, outcome: "crashed" } });
  });
});
