/** Time as a part of Tickwork sees it; tests give another one. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Does something after `ms`. Returns what prevents it. */
  after(ms: number, act: () => void): () => void;
}

/** What `setTimeout` can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        cancel();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const cancel = systemClock.after(ms, done);
      signal?.addEventListener("abort", done, { once: true });
    }),
  after: (ms, act) => {
    const timer = setTimeout(act, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** A moment by the clock of a database: when it is, and how long until then. The second holds on any machine. */
export interface Moment {
  atMs: number;
  inMs: number;
}
