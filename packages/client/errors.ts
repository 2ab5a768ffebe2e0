import type { ErrorCode, Issue } from "#core";

/** What an answer that is an error says about itself. */
export interface ApiFailure {
  status: number;
  code?: ErrorCode | undefined;
  issues?: Issue[] | undefined;
  requestId?: string | undefined;
  retryAfterMs?: number | undefined;
}

/**
 * The API, or something in front of it, answered with an error.
 *
 * @example
 * const task = await client.get(7).catch((error: unknown) => {
 *   if (error instanceof TickworkApiError && error.code === "task_not_found") return undefined;
 *   throw error;
 * });
 */
export class TickworkApiError extends Error {
  override readonly name = "TickworkApiError";
  /** The HTTP status. */
  readonly status: number;
  /** Why, for programs; see `docs/errors.md`. Undefined when it was not Tickwork that answered, but a gateway, say. */
  readonly code: ErrorCode | undefined;
  /** The values that were not acceptable, where there are such. */
  readonly issues: readonly Issue[] | undefined;
  /** What the gateway calls the request in its log, if it says so. */
  readonly requestId: string | undefined;
  /** The pause that the answer asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { status, code, issues, requestId, retryAfterMs }: ApiFailure) {
    super(message);
    this.status = status;
    this.code = code;
    this.issues = issues;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * No answer came: the server cannot be reached, or the connection broke. `cause` is what `fetch` threw. A change may
 * have been made all the same.
 *
 * @example
 * const stats = await client.stats().catch((error: unknown) => {
 *   if (error instanceof TickworkNetworkError) return undefined;
 *   throw error;
 * });
 */
export class TickworkNetworkError extends Error {
  override readonly name = "TickworkNetworkError";
}

/**
 * The time was over: `timeoutMs` of a call, or of `waitFor`. A change may have been made all the same. `cause` is the
 * last failure before, if there was one.
 *
 * @example
 * const sent = await client.waitFor(7, { timeoutMs: 5_000 }).catch((error: unknown) => {
 *   if (error instanceof TickworkTimeoutError) return "still on its way";
 *   throw error;
 * });
 */
export class TickworkTimeoutError extends Error {
  override readonly name = "TickworkTimeoutError";
}
