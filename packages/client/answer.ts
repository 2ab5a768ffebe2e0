import type { ErrorCode, Issue } from "#core";
import { TickworkApiError } from "./errors.ts";

/** Characters that a message repeats of an answer that is not Tickwork's. */
const QUOTE_LIMIT = 200;

/** Undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error of an answer that is not what was asked for. */
export function failureOf(
  request: string,
  response: Response,
  text: string,
  body: unknown,
): TickworkApiError {
  const { status, headers } = response;
  const { error } = Object(body) as { error?: { code?: ErrorCode; message?: string; issues?: Issue[] } };
  return new TickworkApiError(
    error?.message ?? `${request} was answered with ${status}, ${strangeness(response, text)}`,
    {
      status,
      code: error?.code,
      issues: error?.issues,
      requestId: headers.get("apigw-requestid") ?? headers.get("x-request-id") ?? undefined,
      retryAfterMs: retryAfterMsOf(headers.get("retry-after")),
    },
  );
}

/** What the answer is, since it is not Tickwork's. */
function strangeness({ type, status, headers }: Response, text: string): string {
  // A browser says neither the status nor where to.
  if (type !== "opaqueredirect" && (status < 300 || status >= 400))
    return `not by Tickwork: ${text.slice(0, QUOTE_LIMIT)}`;
  const to = headers.get("location");
  return `a redirect${to ? ` to ${to}` : ""}; url must be where Tickwork itself answers.`;
}

/** Seconds, or a date. */
function retryAfterMsOf(header: string | null): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
