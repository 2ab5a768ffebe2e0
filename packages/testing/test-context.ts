import {
  type AbortCode,
  type Enqueuer,
  type HandlerConfig,
  readConfig,
  type Task,
  TaskAborted,
  type TaskContext,
  type Tasks,
} from "#core";
import { DEFAULT_TIMEOUT_MS } from "../core/limits.ts";
import { checkFraction } from "../core/run/heartbeat.ts";
import { checkNotes } from "../core/run/notes.ts";
import { createEnqueuer } from "../core/tasks/enqueue.ts";
import { handlerConfigOf } from "../core/tasks/handler-config.ts";
import { newRow } from "./new-row.ts";
import { type NotedLine, noteLog } from "./noted-log.ts";
import { type CreatedTask, noteTasks } from "./noted-tasks.ts";

/** What a handler is to find; it has what it needs without them. */
export interface TestContextOptions {
  /** Columns of the task's row that matter to the handler. */
  task?: Partial<Task> | undefined;
  /** Default 1. */
  attempt?: number | undefined;
  /** When its time is up. Default: in 12.5 minutes. Nothing aborts the signal then; see `abort`. */
  deadline?: Date | undefined;
  /** What earlier attempts wrote. Default: nothing. */
  notes?: Readonly<Record<string, unknown>> | undefined;
  /** The part of the configuration that handlers may see. */
  config?: Partial<HandlerConfig> | undefined;
  /** Methods that take the place of those that note what was created. */
  tasks?: Partial<Tasks> | undefined;
  /** Default: it refuses, for there is no database. */
  readRows?: TaskContext["readRows"] | undefined;
  /** Default: it deletes nothing and returns 0. */
  deleteFinished?: TaskContext["deleteFinished"] | undefined;
}

/** What a handler gets, and what it did with it. */
export interface TestContext extends TaskContext, Enqueuer {
  /** The fractions that were reported, all of them. */
  progressed: readonly number[];
  logged: readonly NotedLine[];
  /** The tasks that were created, as they were given; with the options of the call. */
  created: readonly CreatedTask[];
  /**
   * Aborts the signal, as Tickwork does.
   *
   * @param code why; default `cancelled`
   * @example
   * const context = testContext();
   * context.abort("timeout");
   */
  abort(code?: AbortCode): void;
}

/**
 * The context of a handler, without a store: what the handler does with it is noted. Of `tasks`, `create` notes, `get`
 * and `list` know what was created, and the other methods refuse, unless the options have them.
 *
 * @example
 * const context = testContext({ attempt: 2 });
 * await runHandler(
 *   defineTask({ type: "half", run: (_, { progress }) => progress(0.5) }),
 *   undefined,
 *   { context },
 * );
 * context.progressed; // [0.5]
 */
export function testContext(options: TestContextOptions = {}): TestContext {
  const { attempt = 1, deadline = new Date(Date.now() + DEFAULT_TIMEOUT_MS) } = options;
  const { log, lines } = noteLog();
  const aborting = new AbortController();
  const progressed: number[] = [];
  let notes: Record<string, unknown> = { ...options.notes };
  const startedAt = new Date().toISOString();
  const running = { task_status: "Running", attempts: attempt, started_at: startedAt } as const;
  const task = newRow({ ...running, ...options.task });
  const noted = noteTasks(task);
  const tasks = { ...noted.tasks, ...options.tasks };
  return {
    task,
    attempt,
    signal: aborting.signal,
    deadline,
    async progress(fraction) {
      checkFraction(fraction);
      progressed.push(fraction);
    },
    notes: {
      read: async () => structuredClone(notes),
      async write(given) {
        checkNotes(Object.entries(given));
        // As it comes out of the table.
        notes = JSON.parse(JSON.stringify({ ...notes, ...given })) as typeof notes;
      },
    },
    log,
    tasks,
    ...createEnqueuer((given, created) => tasks.create(given, created)),
    config: { ...handlerConfigOf(readConfig({})), ...options.config },
    readRows: options.readRows ?? noDatabase,
    deleteFinished: options.deleteFinished ?? (async () => 0),
    progressed,
    logged: lines,
    created: noted.created,
    abort: (code = "cancelled") => aborting.abort(new TaskAborted(code)),
  };
}

async function noDatabase(): Promise<never> {
  throw new Error("a test context has no database: give it readRows");
}
