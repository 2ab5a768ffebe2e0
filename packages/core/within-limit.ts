import { type Clock, systemClock } from "./clock.ts";

/**
 * Gives `work` so much time. The signal that it gets aborts when the time is over; what it does then makes no
 * difference any more.
 *
 * @throws what `late` makes, when the time is over
 * @example const row = await withinLimit(5_000, (signal) => read(signal), () => new Error("no answer within 5 s"));
 */
export async function withinLimit<T>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
  clock: Clock = systemClock,
): Promise<T> {
  const limit = new AbortController();
  let cancel = () => {};
  const expired = new Promise<never>((_, reject) => {
    cancel = clock.after(limitMs, () => {
      reject(late());
      limit.abort();
    });
  });
  try {
    return await Promise.race([work(limit.signal), expired]);
  } finally {
    cancel();
  }
}
