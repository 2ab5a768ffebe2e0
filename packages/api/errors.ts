import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { type ErrorKind, type Logger, TickworkError } from "#core";
import { ERRORS, messageOf } from "../core/errors.ts";
import { requestOf } from "./log.ts";

/** What callers are told instead of the message: what a database or a defect says about itself is for the log alone. */
const HIDDEN: Partial<Record<ErrorKind, string>> = {
  unavailable:
    "A database does not answer. What was asked may have been done; with an Idempotency-Key it is safe to repeat.",
  internal: "Something went wrong here; the log says what.",
};

export const RETRY_AFTER_SECONDS = "5";

/** The one place where an error becomes an answer: `{"error": {"code", "message", "issues"?}}`, its status from the catalogue. */
export function answerError(c: Context, thrown: unknown, log: Logger): Response {
  const { code, kind, message, issues, cause } = errorOf(thrown);
  const hidden = HIDDEN[kind];
  if (hidden)
    log.error("a request failed", {
      ...requestOf(c),
      code,
      error: message,
      ...(code === "internal" && { cause }),
    });
  if (kind === "unauthorized") c.header("WWW-Authenticate", "Bearer");
  if (kind === "unavailable") c.header("Retry-After", RETRY_AFTER_SECONDS);
  return c.json({ error: { code, message: hidden ?? message, ...(issues ? { issues } : {}) } }, ERRORS[code]);
}

function errorOf(thrown: unknown): TickworkError {
  if (thrown instanceof TickworkError) return thrown;
  if (thrown instanceof HTTPException) return new TickworkError("malformed_request", thrown.message);
  return new TickworkError("internal", messageOf(thrown), { cause: thrown });
}
