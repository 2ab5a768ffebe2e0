/** Time as Tickwork sees it; tests give another one. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `act` after `ms`. Returns a function that prevents it. */
  after(ms: number, act: () => void): () => void;
}

/** The longest delay of `setTimeout`. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * How late a timer may be, or early: its milliseconds are whole ones. A tick that sleeps must wake up when a task is
 * due, so its timer is set earlier by this, and set again for the rest when it fired early.
 */
const TIMER_LATE_MS = 1;

/** The clock of the system. */
export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const untilMs = performance.now() + ms;
      const done = () => {
        cancel();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const wait = (): (() => void) =>
        systemClock.after(untilMs - performance.now() - TIMER_LATE_MS, () => {
          if (performance.now() >= untilMs) done();
          else cancel = wait();
        });
      let cancel = wait();
      signal?.addEventListener("abort", done, { once: true });
    }),
  after: (ms, act) => {
    const timer = setTimeout(act, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** A moment by the clock of a database. */
export interface Moment {
  /** Milliseconds since 1970, UTC. */
  atMs: number;
  /** Milliseconds until then, which hold on any machine, whatever its clock says. */
  inMs: number;
}
