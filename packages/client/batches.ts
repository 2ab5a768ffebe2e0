/** Tasks as bodies of requests. */

/** What one request takes. The answer repeats the bytes, with what every row has besides, and leaves data out above 3 MB. */
export const TASKS_PER_REQUEST = 1_000;
export const BYTES_PER_REQUEST = 2 * 1024 * 1024;
/** Characters of an idempotency key. */
const KEY_LIMIT = 255;

/**
 * Requests for any number of tasks, each with a key of its own. The same tasks under the same key always make the same
 * requests, so they can be repeated.
 *
 * @throws TypeError when there is no room for the numbers of the requests in their keys
 */
export function batchesOf(tasks: readonly unknown[], key: string): { body: string; key: string }[] {
  const encoder = new TextEncoder();
  const batches: string[][] = [];
  let bytes = 0;
  for (const task of tasks) {
    const json = jsonOf(task);
    const added = encoder.encode(json).length + 1;
    const batch = batches.at(-1);
    bytes += added;
    if (batch && batch.length < TASKS_PER_REQUEST && bytes < BYTES_PER_REQUEST) batch.push(json);
    else {
      batches.push([json]);
      bytes = added;
    }
  }
  const keyOf = (n: number) => (n === 0 ? key : `${key}#${n + 1}`);
  const longest = keyOf(Math.max(0, batches.length - 1)).length;
  if (longest > KEY_LIMIT)
    throw new TypeError(
      `idempotencyKey must have at most ${KEY_LIMIT - longest + key.length} characters for ${batches.length} requests, got ${key.length}.`,
    );
  return batches.map((batch, n) => ({ body: `[${batch.join(",")}]`, key: keyOf(n) }));
}

/**
 * A task, or changes to one, as JSON.
 *
 * @throws TypeError when its time is no time, which JSON would make null, and the API then now
 */
export function jsonOf(task: unknown): string {
  const { scheduled_time } = Object(task) as { scheduled_time?: unknown };
  if (scheduled_time instanceof Date && Number.isNaN(scheduled_time.getTime()))
    throw new TypeError("scheduled_time must be a time, got an invalid Date.");
  return JSON.stringify(task);
}
