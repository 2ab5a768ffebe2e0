/** One attempt: checks the task's data, runs the handler beside a heartbeat, and says what becomes of the row. */
import { describeIssues, type Issue, messageOf } from "../errors.ts";
import { ABORT_GRACE_MS, EMPTY_CLAIMS_PAUSE_MS } from "../limits.ts";
import type { Lease } from "../store/lease.ts";
import type { Store } from "../store/store.ts";
import type { TaskContext, TaskDefinition } from "../tasks/define-task.ts";
import { createEnqueuer } from "../tasks/enqueue.ts";
import type { HandlerConfig } from "../tasks/handler-config.ts";
import { dataFor, type Registry } from "../tasks/registry.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Outcome, Task } from "../tasks/task.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { withResolvers } from "../with-resolvers.ts";
import { type AbortCode, TaskAborted } from "./abort.ts";
import { type HeartbeatDeps, startHeartbeat } from "./heartbeat.ts";
import { notesOf } from "./notes.ts";
import { openForHandler } from "./open-for-handler.ts";
import {
  aborted,
  completed,
  crashed,
  failed,
  failedForGood,
  GIVEN_BACK,
  type OutcomeDeps,
} from "./outcome.ts";
import type { Scheduler } from "./scheduler.ts";

export interface AttemptDeps extends HeartbeatDeps {
  store: Pick<Store, "renew" | "readNotes" | "writeNotes">;
  registry: Registry;
  scheduler: Scheduler;
  /** How often a worker may die while it runs a task; then the task ends in `Error`. */
  maxCrashes: number;
  /** The jitter of a backoff, from 0 to 1. Default `Math.random`. */
  random?: (() => number) | undefined;
  /** What handlers get as `tasks`, `config`, `readRows` and `deleteFinished`. */
  tasks: Tasks;
  handlerConfig: HandlerConfig;
  readRows: TaskContext["readRows"];
  deleteFinished(olderThanDays: number, options: { keepId: number; signal: AbortSignal }): Promise<number>;
  /** Ends the process: a handler keeps running although it was told to stop. */
  exit(reason: string): never | Promise<never>;
}

export interface AttemptOptions {
  /** Aborts when the handler has to stop; its reason is a TaskAborted. */
  interrupt: AbortSignal;
  /** It began with the invocation: being interrupted means that it used up all of it. */
  hadWholeInvocation: boolean;
  /** Called after each renewal of the lease, so that the flag is renewed too. */
  renewed(standing: Standing): void;
}

/** Runs the handler of a leased task. Never throws. */
export async function runAttempt(deps: AttemptDeps, lease: Lease, options: AttemptOptions): Promise<Outcome> {
  const { registry, clock, leaseMs } = deps;
  const { task } = lease;
  const definition = registry.definitionOf(task);
  // A claim takes only types that the registry has.
  if (!definition) return GIVEN_BACK;
  // The claim's answer took as long as the lease, so another worker may have the task; or this one has to stop.
  if (clock.now() >= lease.leasedAt + leaseMs || options.interrupt.aborted) return GIVEN_BACK;
  const { schedule } = task;
  if (schedule === null) return runOpened(deps, lease, options, definition);
  try {
    const instead = await deps.scheduler.begin({ ...task, schedule });
    return instead ?? (await runOpened(deps, lease, options, definition));
  } catch (error) {
    deps.log.error("an occurrence could not ask its schedule; it waits again", {
      task: task.id,
      schedule,
      error: messageOf(error),
    });
    return { kind: "given_back", delayMs: EMPTY_CLAIMS_PAUSE_MS };
  }
}

/** Runs the handler with the data that it takes; without a key that it needs the task waits. */
async function runOpened(
  deps: AttemptDeps,
  lease: Lease,
  options: AttemptOptions,
  definition: TaskDefinition,
): Promise<Outcome> {
  const opened = openForHandler(deps, lease.task);
  if ("outcome" in opened) return opened.outcome;
  return runHandler(deps, { ...lease, task: opened.task }, options, definition);
}

const IGNORED = Symbol("the handler ignores its signal");
/** How a handler ended. */
export type HandlerEnd = { value: unknown } | { error: unknown } | { issues: Issue[]; count: number };

async function runHandler(
  deps: AttemptDeps,
  lease: Lease,
  { interrupt, hadWholeInvocation, renewed }: AttemptOptions,
  definition: TaskDefinition,
): Promise<Outcome> {
  const { registry, clock, log, tasks, handlerConfig: config } = deps;
  const { task } = lease;
  const timeoutMs = registry.timeoutMsOf(definition);
  const deadlineMs = clock.now() + timeoutMs;
  const aborting = startAborting(deps, interrupt);
  const { signal } = aborting;
  const heartbeat = startHeartbeat(deps, { lease, deadlineMs, abort: aborting.abort, renewed });
  const work = perform(definition, {
    task,
    attempt: task.attempts,
    signal,
    deadline: new Date(deadlineMs),
    progress: heartbeat.progress,
    notes: notesOf(deps.store, lease, aborting.abort),
    log: log.with({ task: task.id, type: task.type, attempt: task.attempts }),
    tasks,
    ...createEnqueuer((given, created) => tasks.create(given, created)),
    config,
    readRows: deps.readRows,
    deleteFinished: (olderThanDays) => deps.deleteFinished(olderThanDays, { keepId: task.id, signal }),
  });
  try {
    const end = await Promise.race([work, aborting.ignored]);
    const reason = signal.aborted ? (signal.reason as TaskAborted) : undefined;
    if (end !== IGNORED)
      return outcomeOf(deps, task, definition, end, { reason, timeoutMs, hadWholeInvocation });
    await deps.exit(ignoredSignal(`task ${task.id} (${task.type})`, reason));
    // Only a test comes here: its process goes on.
    return crashed(deps, task, reason?.code ?? "timeout");
  } finally {
    heartbeat.stop();
    aborting.stop();
  }
}

/** Why a process ends. */
export const ignoredSignal = (which: string, reason: TaskAborted | undefined): string =>
  `the handler of ${which} was still running ${ABORT_GRACE_MS} ms after its signal: ${messageOf(reason)}`;

/** What the end of a handler means; `reason` is why its signal was aborted, if it was. */
export function outcomeOf(
  deps: OutcomeDeps & { registry: Pick<Registry, "encryption"> },
  task: Task,
  definition: TaskDefinition,
  end: HandlerEnd,
  given: HowItEnded,
): Outcome {
  return deps.registry.encryption.sealOutcome(task, plainOutcomeOf(deps, task, definition, end, given));
}

interface HowItEnded {
  reason: TaskAborted | undefined;
  timeoutMs: number;
  hadWholeInvocation: boolean;
}

function plainOutcomeOf(
  deps: OutcomeDeps,
  task: Task,
  definition: TaskDefinition,
  end: HandlerEnd,
  given: HowItEnded,
): Outcome {
  if ("issues" in end)
    return failedForGood(deps, task, describeIssues(end.issues, end), { code: "invalid_data" });
  if ("value" in end) return completed(deps, task, end.value);
  return given.reason
    ? aborted(deps, task, definition, given.reason.code, given)
    : failed(deps, task, definition, end.error);
}

/** The handler's signal, and a promise that resolves when the handler has ignored it for too long (rule 11). */
function startAborting({ clock }: Pick<AttemptDeps, "clock">, interrupt: AbortSignal) {
  const controller = new AbortController();
  const { promise: ignored, resolve } = withResolvers<typeof IGNORED>();
  let endGrace = () => {};
  const abort = (code: AbortCode) => {
    if (controller.signal.aborted) return;
    controller.abort(new TaskAborted(code));
    endGrace = clock.after(ABORT_GRACE_MS, () => resolve(IGNORED));
  };
  const onInterrupt = () => abort((interrupt.reason as TaskAborted).code);
  interrupt.addEventListener("abort", onInterrupt, { once: true });
  return {
    signal: controller.signal,
    abort,
    ignored,
    stop() {
      endGrace();
      interrupt.removeEventListener("abort", onInterrupt);
    },
  };
}

/**
 * Checks the data and runs the handler. Loading a definition and checking data are part of the attempt: they may take
 * time, and may fail, like the handler itself.
 */
async function perform(definition: TaskDefinition, context: TaskContext): Promise<HandlerEnd> {
  try {
    const checked = await dataFor(definition, context.task);
    if ("issues" in checked) return checked;
    // It may have been told to stop meanwhile.
    context.signal.throwIfAborted();
    return { value: await definition.run(checked.value, context) };
  } catch (error) {
    return { error };
  }
}
