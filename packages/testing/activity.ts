/**
 * What goes on in real time while the clock of a test stands still: ticks and refreshes with their handlers, and
 * statements that Postgres works on. The clock may be moved when all of it has ended, or waits for the clock itself.
 */
import { AsyncLocalStorage } from "node:async_hooks";
// Not the global ones, nor `performance` as it is later: a test may put fake timers in their place.
import { setImmediate, setTimeout } from "node:timers";

const realNow = performance.now.bind(performance);

/** After so many turns of the event loop it is looked once a millisecond: something real is waited for. */
const TURNS = 50;
/** What one look counts at most: a process that stood still has waited for nobody. */
const LONGEST_LOOK_MS = 50;

interface Run {
  /** The sleeps in its attempt that end when the clock is moved. */
  sleepers: Set<object>;
  /** It took too long: nobody waits for it until it goes on. */
  givenUp: boolean;
}

export interface Activity {
  /** Something runs. */
  readonly goesOn: boolean;
  /** Begins a tick or a refresh. What it throws, `rest` throws. */
  begin(work: () => Promise<unknown>): void;
  /** Counts as going on until it settles. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Called when somebody begins to sleep by the clock of the test; what it returns is called when they wake. */
  fallAsleep(): () => void;
  /** An attempt ended: what runs here is not stuck. */
  goOn(): void;
  /** Has `rest` throw. */
  fail(error: unknown): void;
  /**
   * Waits until nothing goes on that could without time passing.
   *
   * @throws Error what `stuck` makes, when nothing went on for the time limit; what failed
   */
  rest(): Promise<void>;
}

/**
 * @param options.limitMs real milliseconds that a handler may take
 * @param options.stuck makes the error that says what takes longer
 */
export function watchActivity({
  limitMs,
  stuck,
}: {
  limitMs: number;
  stuck: () => Promise<Error>;
}): Activity {
  const current = new AsyncLocalStorage<Run>();
  const runs = new Set<Run>();
  const failures: unknown[] = [];
  let pending = 0;
  let waitedMs = 0;
  const isAwaited = ({ sleepers, givenUp }: Run) => sleepers.size === 0 && !givenUp;
  const goesOn = () => pending > 0 || [...runs].some(isAwaited);

  return {
    get goesOn() {
      return runs.size > 0;
    },
    begin(work) {
      const run: Run = { sleepers: new Set(), givenUp: false };
      runs.add(run);
      waitedMs = 0;
      current
        .run(run, work)
        .catch((error: unknown) => failures.push(error))
        .finally(() => runs.delete(run));
    },
    async during(work) {
      pending++;
      try {
        return await work;
      } finally {
        pending--;
      }
    },
    fallAsleep() {
      const sleepers = current.getStore()?.sleepers;
      const sleeper = {};
      sleepers?.add(sleeper);
      return () => {
        sleepers?.delete(sleeper);
        waitedMs = 0;
      };
    },
    goOn() {
      waitedMs = 0;
      // Whatever still sleeps was left behind by a handler that has returned.
      Object.assign(current.getStore() ?? {}, { sleepers: new Set(), givenUp: false });
    },
    fail: (error) => void failures.push(error),
    async rest() {
      waitedMs = 0;
      let lookedMs = realNow();
      for (let turn = 0; ; turn++) {
        await new Promise<void>((resolve) => {
          if (turn < TURNS) setImmediate(resolve);
          else setTimeout(resolve, 1);
        });
        if (failures.length > 0) throw failures.shift();
        if (!goesOn()) return;
        waitedMs += Math.min(realNow() - lookedMs, LONGEST_LOOK_MS);
        lookedMs = realNow();
        if (waitedMs <= limitMs) continue;
        for (const run of runs) if (isAwaited(run)) run.givenUp = true;
        throw await stuck();
      }
    },
  };
}
