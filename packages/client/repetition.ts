/** What is worth being tried again, what may be, and when. */
import { TickworkApiError, TickworkNetworkError, TickworkTimeoutError } from "./errors.ts";
import { jittered } from "./pause.ts";

/** The pause before the first repetition; it doubles each time. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** The statuses below 500 that may have passed a moment later. */
const TRANSIENT = [408, 425, 429];

/** Whether it may have passed a moment later. */
export function isTransient(error: unknown): boolean {
  return error instanceof TickworkApiError
    ? TRANSIENT.includes(error.status) || error.status >= 500
    : error instanceof TickworkNetworkError || error instanceof TickworkTimeoutError;
}

/** What Node and Bun call it when there was not even a connection. */
const NOT_CONNECTED = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"];

/** Whether the request has certainly not been carried out: it was turned away, or never got there. */
export function wasNotDone(error: unknown): boolean {
  if (error instanceof TickworkApiError) return error.status === 429;
  const { code, cause } = (error as { cause?: { code?: string; cause?: { code?: string } } }).cause ?? {};
  return error instanceof TickworkNetworkError && NOT_CONNECTED.includes(code ?? cause?.code ?? "");
}

/** Milliseconds, never less than what the answer asked for. */
export function pauseBefore(repetition: number, error: unknown): number {
  const backoffMs = jittered(Math.min(FIRST_PAUSE_MS * 2 ** repetition, LONGEST_PAUSE_MS));
  const { retryAfterMs } = error as Partial<TickworkApiError>;
  return retryAfterMs === undefined ? backoffMs : retryAfterMs + jittered(FIRST_PAUSE_MS);
}
