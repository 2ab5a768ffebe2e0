/** How a request can fail. Each error has a code; a permanent one is not worth another attempt. */
import { STATUS_CODES } from "node:http";
import { messageOf, PermanentError, RetryAfter } from "#core";
import type { Hop } from "./http-exchange.ts";

/** Characters of a body, and of a URL, that a message may have. */
const QUOTED_BODY_LIMIT = 500;
const QUOTED_URL_LIMIT = 300;

/** A server may ask for any time; a day is the longest that is waited before it is tried again. */
const RETRY_AFTER_LIMIT_MS = 24 * 60 * 60 * 1000;

/** Statuses below 500 that say "later", not "never". */
const PASSING = new Set([408, 425, 429]);

/**
 * The error of a status of 400 or more: named `HttpStatusError`, with a code such as `http_404`. It is a PermanentError,
 * a RetryAfter or an ordinary Error, which decides what becomes of the task.
 */
export function statusError(
  hop: Pick<Hop, "method" | "url">,
  status: number,
  { text = "", retryAfter }: { text?: string | undefined; retryAfter?: string | undefined } = {},
): Error {
  const reason = STATUS_CODES[status] ? ` ${STATUS_CODES[status]}` : "";
  const start = cut(text.trim(), QUOTED_BODY_LIMIT);
  const message = `${describe(hop)} answered ${status}${reason}${start && `: ${start}`}`;
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
 * @returns milliseconds, or undefined when it names no time that is still to come (the usual pause applies then)
 */
export function retryAfterMs(value: string | undefined, nowMs = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const delayMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return delayMs > 0 ? Math.min(delayMs, RETRY_AFTER_LIMIT_MS) : undefined;
}

export function timeoutError(method: string, url: string, seconds: number): Error {
  const message = `${method} ${cut(url, QUOTED_URL_LIMIT)} took longer than ${seconds} s`;
  return Object.assign(new Error(message), { name: "HttpTimeoutError", code: "http_timeout" });
}

export function redirectError(
  code: "http_bad_redirect" | "http_too_many_redirects",
  hop: Pick<Hop, "method" | "url">,
  what: string,
): PermanentError {
  return Object.assign(new PermanentError(`${describe(hop)} ${what}`), { name: "HttpRedirectError", code });
}

/** What the network did, with the code of Node: `ECONNREFUSED`, `ENOTFOUND`, `ECONNRESET`, … */
export function networkError(hop: Pick<Hop, "method" | "url">, cause: unknown): Error {
  // Several addresses that all failed are an AggregateError, whose own message is empty.
  const what = cause instanceof AggregateError ? cause.errors.map(messageOf).join("; ") : messageOf(cause);
  const { code = "http_network" } = cause as { code?: string };
  return Object.assign(new Error(`${describe(hop)} failed: ${what}`, { cause }), {
    name: "HttpNetworkError",
    code,
  });
}

function describe({ method, url }: Pick<Hop, "method" | "url">): string {
  return `${method} ${cut(url.href, QUOTED_URL_LIMIT)}`;
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
