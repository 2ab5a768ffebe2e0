import type { BulkCount, BulkRequest, BulkResult, Task } from "#core";
import { jsonOf } from "./batches.ts";
import type { CallOptions, ChangeOptions, createSend } from "./request.ts";

/** The task that does something to many others; its result says to how many. */
export interface BulkTask extends Omit<Task, "result_data"> {
  /** Null until it is completed. */
  result_data: BulkResult | null;
}

/** What can be done to many tasks over HTTP. */
export interface ClientBulk {
  /**
   * Retries, cancels, deletes or reschedules all tasks that meet a filter, which is that of `list`. A task does it,
   * which is the answer: `waitFor` waits for its end, `cancel` stops it. It takes only what was there when it was asked
   * for. However often the request has to be repeated, it is asked for once.
   *
   * @throws TickworkApiError `invalid_request`
   * @example
   * const task = await client.bulk({ action: "retry", filter: { type: "greet", dead: true } });
   * const { result_data } = await client.waitFor(task, { timeoutMs: 60_000 });
   */
  bulk(
    request: BulkRequest,
    options?: ChangeOptions & { idempotencyKey?: string | undefined },
  ): Promise<BulkTask>;
  /**
   * How many tasks `bulk` would take now. It counts for a few seconds at most, and changes nothing.
   *
   * @throws TickworkApiError `invalid_request`
   * @example const { count, exact } = await client.countBulk({ action: "delete", filter: { status: "Completed" } });
   */
  countBulk(request: BulkRequest, options?: CallOptions): Promise<BulkCount>;
}

/** @param newKey a random idempotency key */
export function createClientBulk(send: ReturnType<typeof createSend>, newKey: () => string): ClientBulk {
  const request = { method: "POST", path: "/tasks/bulk", idempotent: true } as const;
  return {
    bulk: async (given, options = {}) => {
      const { idempotencyKey = newKey(), userId } = options;
      return send({ ...request, body: jsonOf(given), idempotencyKey, userId }, options);
    },
    countBulk: async (given, options) =>
      send({ ...request, body: jsonOf({ ...given, dry_run: true }) }, options),
  };
}
