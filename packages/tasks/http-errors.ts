/** How a request can fail. Each error has a code; for a permanent one, another attempt would be useless. */
import { STATUS_CODES } from "node:http";
import { PermanentError, RetryAfter } from "#core";
import { messageOf } from "../core/errors.ts";
import type { OwnErrorCode } from "./error-codes.ts";

/** What a message says about the request that failed. */
interface Request {
  method: string;
  url: URL;
}

/** Characters of a body, and of a URL, that a message may quote. */
const QUOTED_BODY_LIMIT = 500;
const QUOTED_URL_LIMIT = 300;

/** A server may ask for any time; a request is tried again after a day at most. */
const RETRY_AFTER_LIMIT_MS = 24 * 60 * 60 * 1000;

/** Statuses below 500 that mean "later", not "never". */
const PASSING = new Set([408, 425, 429]);

/**
 * The error for a status of 400 or more: named `HttpStatusError`, with a code such as `http_404`. It is a
 * PermanentError, a RetryAfter or an ordinary Error, which decides what becomes of the task.
 */
export function statusError(
  request: Request,
  status: number,
  { text = "", retryAfter }: { text?: string | undefined; retryAfter?: string | undefined } = {},
): Error {
  const reason = STATUS_CODES[status] ? ` ${STATUS_CODES[status]}` : "";
  const start = cut(text.trim(), QUOTED_BODY_LIMIT);
  const message = `${describe(request)} answered ${status}${reason}${start && `: ${start}`}`;
  const delayMs = status === 429 || status === 503 ? retryAfterMs(retryAfter) : undefined;
  const passing = status >= 500 || PASSING.has(status);
  const error =
    delayMs !== undefined
      ? new RetryAfter(delayMs, message)
      : passing
        ? new Error(message)
        : new PermanentError(message);
  return Object.assign(error, { name: "HttpStatusError", code: `http_${status}`, status });
}

/**
 * Reads `Retry-After`: seconds or a date.
 *
 * @returns milliseconds, or undefined if it does not name a time in the future (then the usual pause applies)
 */
export function retryAfterMs(value: string | undefined, nowMs = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const delayMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return delayMs > 0 ? Math.min(delayMs, RETRY_AFTER_LIMIT_MS) : undefined;
}

export function timeoutError(method: string, url: string, seconds: number): Error {
  const message = `${method} ${cut(url, QUOTED_URL_LIMIT)} took longer than ${seconds} s`;
  const code: OwnErrorCode = "http_timeout";
  return Object.assign(new Error(message), { name: "HttpTimeoutError", code });
}

export function redirectError(code: OwnErrorCode, request: Request, what: string): PermanentError {
  return Object.assign(new PermanentError(`${describe(request)} ${what}`, { code }), {
    name: "HttpRedirectError",
  });
}

/** What the network did, with the code of Node: `ECONNREFUSED`, `ENOTFOUND`, `ECONNRESET`, … */
export function networkError(request: Request, cause: unknown): Error {
  // If all of several addresses failed, it is an AggregateError, whose own message is empty.
  const what = cause instanceof AggregateError ? cause.errors.map(messageOf).join("; ") : messageOf(cause);
  const { code = "http_network" satisfies OwnErrorCode } = cause as { code?: string };
  return Object.assign(new Error(`${describe(request)} failed: ${what}`, { cause }), {
    name: "HttpNetworkError",
    code,
  });
}

function describe({ method, url }: Request): string {
  return `${method} ${cut(url.href, QUOTED_URL_LIMIT)}`;
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
