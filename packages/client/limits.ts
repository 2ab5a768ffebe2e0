import type { Limit, LimitTarget, LimitTerms } from "#core";
import type { CallOptions, createSend } from "./request.ts";

/** How many tasks of a type, a queue or a key may run or start. */
export interface ClientLimits {
  /**
   * Makes a limit, or replaces it. No claim exceeds it from then on; what runs goes on.
   *
   * @throws TickworkApiError `invalid_request` or `unknown_type`
   * @example await client.limits.put({ queue: "mail" }, { concurrency: 2, rate: { starts: 100, period_seconds: 60 } });
   */
  put(target: LimitTarget, settings: LimitTerms, options?: CallOptions): Promise<Limit>;
  /** All of them, by kind and name. @example const limits = await client.limits.list(); */
  list(options?: CallOptions): Promise<Limit[]>;
  /**
   * Removes a limit. What it held back starts at once. Says whether there was one.
   *
   * @throws TickworkApiError `invalid_request`
   * @example const { removed } = await client.limits.remove({ queue: "mail" });
   */
  remove(target: LimitTarget, options?: CallOptions): Promise<{ removed: boolean }>;
}

export function createClientLimits(send: ReturnType<typeof createSend>): ClientLimits {
  const path = "/limits";
  return {
    put: (target, settings, options) =>
      send(
        { method: "PUT", path, body: JSON.stringify({ ...target, ...settings }), idempotent: true },
        options,
      ),
    list: (options) => send({ method: "GET", path, idempotent: true }, options),
    remove: (target, options) =>
      send(
        {
          method: "DELETE",
          path: `${path}?${new URLSearchParams(target as Record<string, string>)}`,
          idempotent: true,
        },
        options,
      ),
  };
}
