/** Time: pauses and limits, all of which end at once when the caller gives up. */

/** The longest delay of `setTimeout`; beyond it, it would not wait at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Gives `act` so much time. The signal that it gets aborts when the time is over, or when the caller's does; what it
 * does then makes no difference any more.
 *
 * @throws the reason of the caller's signal; what `late` makes
 */
export function within<T>(
  limitMs: number,
  signal: AbortSignal | undefined,
  act: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
    };
    const stop = (reason: unknown) => {
      end();
      reject(reason);
      controller.abort(reason);
    };
    const giveUp = () => stop(signal?.reason);
    const timer = setTimeout(() => stop(late()), Math.min(limitMs, LONGEST_TIMER_MS));
    if (signal?.aborted) return giveUp();
    signal?.addEventListener("abort", giveUp);
    act(controller.signal).then(resolve, reject).finally(end);
  });
}

/** Waits so many milliseconds. @throws the reason of the signal */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      },
      Math.min(ms, LONGEST_TIMER_MS),
    );
    if (signal?.aborted) giveUp();
    else signal?.addEventListener("abort", giveUp, { once: true });
  });
}

/** At least half of it: many that were refused together do not come back together. */
export const jittered = (ms: number): number => ms * (0.5 + Math.random() / 2);
