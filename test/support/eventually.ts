const INTERVAL_MS = 10;

type Nothing = false | null | undefined;

/**
 * Waits for what another part of the system does: looks again and again until `check` returns something.
 *
 * @throws Error when that takes longer than `limitMs`
 * @example const task = await eventually(async () => (await tasks.list())[0]);
 */
export async function eventually<T>(
  check: () => T | Nothing | Promise<T | Nothing>,
  { limitMs = 10_000 } = {},
): Promise<T> {
  const until = Date.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > until) throw new Error(`not within ${limitMs} ms: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
