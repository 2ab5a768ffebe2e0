/** Resolves after a time, or at once when the signal aborts. Keeps no process alive. */
export function pause(ms: number, signal?: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
    const timer = setTimeout(end, ms).unref();
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
  });
}
