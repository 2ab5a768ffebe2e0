import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Clock,
  type Config,
  type DeclaredSchedule,
  type Definitions,
  type Enqueuer,
  type Hooks,
  type ResultOf,
  readConfig,
  type Task,
  type TaskDefinition,
  TaskFailedError,
  type TaskOf,
  type Tickwork,
} from "#core";
import { type Duration, millisecondsOf } from "../core/duration.ts";
import { mustBe, quote, refusal } from "../core/errors.ts";
import { createEnqueuer } from "../core/tasks/enqueue.ts";
import { parseTime, TIME_FORMAT } from "../core/tasks/time.ts";
import { openEngine } from "./engine.ts";
import type { NotedLine } from "./noted-log.ts";
import type { DueReport } from "./report.ts";

/** What a Tickwork for tests is made of. */
export interface TestOptions<Defined extends Definitions = Definitions> {
  /** The types of task that it runs. */
  definitions: Defined;
  /** The schedules that it has, as `defineSchedule` makes them. */
  schedules?: readonly DeclaredSchedule[] | undefined;
  /** What the clock shows at first. Default: what `Date.now()` says. */
  now?: Date | string | number | undefined;
  /** Settings other than the defaults. Here, `shutdownWaitSeconds` is 0 and `apiKey` is `test`. */
  config?: Partial<Config> | undefined;
  /** Default: hooks of its own. Those of the process are `hooks` of `tickwork`. */
  hooks?: Hooks | undefined;
  /** The jitter of backoffs follows from it. Default 1. */
  seed?: number | undefined;
  /**
   * Called after each move of the clock, with its time in epoch milliseconds, and awaited. With it, fake timers show
   * your code the same time: `onMove: (nowMs) => vi.setSystemTime(nowMs)`.
   */
  onMove?: ((nowMs: number) => unknown) | undefined;
  /** Real milliseconds that a handler may take before `runDue` and `advance` give up. Default 3,000. */
  handlerLimitMs?: number | undefined;
}

/** `AsyncDisposable`, where the compiler's libraries have it: users whose target is older need no other option. */
type UsableWithAwaitUsing = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { [Name in Key]: () => Promise<void> }
  : object;

/** A Tickwork in memory, under a clock that the test moves: its services, and what tests need beside them. */
export interface TestTickwork<Defined extends Definitions = Definitions>
  extends Tickwork,
    Enqueuer,
    UsableWithAwaitUsing {
  /** `sleep` lasts until the clock was moved so far. A handler that waits by it lets `runDue` return. */
  clock: Pick<Clock, "now" | "sleep">;
  /**
   * Runs everything that is due now, and what that enqueues for now.
   *
   * @returns what ran since the last report; a handler that threw is among the `failures`
   * @throws Error when a handler takes longer than `handlerLimitMs`, when tasks enqueue tasks for now without end, and
   * when an earlier call is still at it
   * @example
   * await tickwork.enqueue(greet, { name: "Ada" });
   * const { ran, failures } = await tickwork.runDue();
   */
  runDue(): Promise<DueReport>;
  /**
   * Moves the clock on, from one due time to the next: everything runs in order and at its own time, with its retries
   * and their backoff, and with the refreshes that matter.
   *
   * @param duration milliseconds, or a number and a unit: `"90 minutes"`, `"3 days"`
   * @throws Error as `runDue`; TickworkError `invalid_request` when it is no duration
   * @example const { ran } = await tickwork.advance("3 days");
   */
  advance(duration: Duration): Promise<DueReport>;
  /**
   * The tasks as they are now, whoever enqueued them, in the order in which they were; all, or those of a type. A
   * definition will do as the filter.
   *
   * @example const mails = await tickwork.enqueued({ type: "mail" });
   */
  enqueued(): Promise<Task[]>;
  enqueued<Type extends Defined[number]["type"]>(filter: {
    readonly type: Type;
  }): Promise<TaskOf<Extract<Defined[number], { type: Type }>>[]>;
  /**
   * What the handler of a task returned, as JSON has it. What is due is run before, if need be.
   *
   * @param task as `enqueue` returned it, or its id: then name the definition's type
   * @throws TaskFailedError when it ended in `Error`; Error when it did not end; TickworkError `task_not_found`
   * @example
   * const task = await tickwork.enqueue(greet, { name: "Ada" });
   * const { hello } = await tickwork.result(task);
   */
  result<Definition extends TaskDefinition = TaskDefinition>(
    task: TaskOf<Definition> | number,
  ): Promise<ResultOf<Definition>>;
  /** What handlers and Tickwork itself have logged. */
  logged: readonly NotedLine[];
  /** Interrupts what runs, and leaves the database clean for the next one. Later calls are refused. */
  close(): Promise<void>;
}

/** Tasks that one query lists. */
const PAGE = 1_000;

/**
 * A Tickwork for tests: the engine itself, on an empty Postgres and Redis in this process. Nothing runs and no time
 * passes until the test says so. Several may be open at a time. The first one in a process starts Postgres, which takes
 * a second or two; the others take milliseconds, so each test can have its own.
 *
 * While a handler waits for something real, such as a connection or a timer, the clock of the test stands still. `Date`
 * goes on showing the real time, unless `onMove` tells your fake timers.
 *
 * @throws TickworkError `bad_definition`, or `invalid_request` for a `now` that is no time; ConfigError when the package
 * `@electric-sql/pglite` is not installed
 * @example
 * const remind = defineTask({ type: "remind", run: async () => ({ reminded: true }) });
 * await using tickwork = await createTestTickwork({ definitions: [remind], now: "2026-11-24T09:00:00Z" });
 * const task = await tickwork.enqueue(remind, undefined, { at: "2026-11-27T09:00:00Z" });
 * (await tickwork.advance("2 days")).ran; // []
 * (await tickwork.advance("1 day")).ran.length; // 1
 * await tickwork.result(task); // { reminded: true }
 */
export async function createTestTickwork<const Defined extends Definitions>({
  definitions,
  schedules,
  now = Date.now(),
  config,
  hooks,
  seed = 1,
  onMove = () => {},
  handlerLimitMs = 3_000,
}: TestOptions<Defined>): Promise<TestTickwork<Defined>> {
  const engine = await openEngine({
    definitions,
    schedules,
    nowMs: timeOf(now),
    config: { ...readConfig({}), ...TEST_CONFIG, ...config },
    hooks,
    seed,
    onMove,
    handlerLimitMs,
  });
  const { tickwork, clock, drive } = engine;
  const { tasks } = tickwork;
  let moving: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const move = async (work: () => Promise<void>): Promise<void> => {
    if (closing) throw new Error("this test Tickwork is closed");
    if (moving) throw new Error("runDue and advance must be awaited before the next call, got one meanwhile");
    moving = work();
    try {
      await moving;
    } finally {
      moving = undefined;
    }
  };
  const report = (): DueReport => {
    const ran = engine.takeRuns();
    return { ran, failures: ran.filter(({ outcome }) => outcome !== "completed") };
  };
  const close = () => {
    closing ??= engine.close();
    return closing;
  };

  return {
    ...tickwork,
    ...createEnqueuer(tasks.create),
    clock: { now: clock.now, sleep: clock.sleep },
    async runDue() {
      await move(drive.runDue);
      return report();
    },
    async advance(duration) {
      const ms = millisecondsOf(duration);
      await move(() => drive.advance(ms));
      return report();
    },
    // Its overloads say what the rows of a type are.
    enqueued: async ({ type }: { type?: string } = {}) => {
      const found: Task[] = [];
      for (let page: Task[] | undefined; !page || page.length === PAGE; found.push(...page)) {
        const last = found.at(-1);
        page = await tasks.list({
          limit: PAGE,
          ...(type ? { type } : {}),
          ...(last ? { after: { id: last.id } } : {}),
        });
      }
      // biome-ignore lint/suspicious/noExplicitAny: see above
      return found.reverse() as any;
    },
    async result(given) {
      const id = typeof given === "number" ? given : given.id;
      const hasEnded = ({ task_status }: Task) => task_status === "Completed" || task_status === "Error";
      let task = await tasks.get(id);
      if (!hasEnded(task)) {
        await (moving ?? move(drive.runDue));
        task = await tasks.get(id);
      }
      if (task.task_status === "Error") throw new TaskFailedError(task);
      if (!hasEnded(task)) throw notEnded(task);
      // biome-ignore lint/suspicious/noExplicitAny: its definition says what it is
      return task.result_data as any;
    },
    logged: engine.logged,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What differs from a deployment's defaults. */
const TEST_CONFIG = {
  // A handler that runs when the test is over gets no time to finish.
  shutdownWaitSeconds: 0,
  apiKey: "test",
  // Types that are encrypted need one.
  encryptionKeys: [{ id: "test", key: Buffer.alloc(32, 1) }],
  // Not the folder of a server that is developed beside.
  dataDir: join(tmpdir(), "tickwork-testing"),
} satisfies Partial<Config>;

function timeOf(now: Date | string | number): number {
  const time = parseTime(typeof now === "number" ? new Date(now) : now);
  if (time === undefined) throw refusal("now", mustBe(`${TIME_FORMAT}, a Date, or epoch milliseconds`, now));
  return Date.parse(time);
}

function notEnded({ id, type, task_status, scheduled_time }: Task): Error {
  const due = task_status === "Not started" ? `, due at ${scheduled_time}` : "";
  return new Error(
    `Task ${id} (${type}) must have ended for its result, got ${quote(task_status)}${due}: advance the clock so far.`,
  );
}
