import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorKind, errors, type Logger, messageOf, TickworkError } from "#core";
import { requestOf } from "./log.ts";

/** The one place where an error becomes a status. */
const STATUS: Record<ErrorKind, ContentfulStatusCode> = {
  malformed: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  invalid: 422,
  unavailable: 503,
};

const RETRY_AFTER_SECONDS = "5";

/** How every error looks: `{"error": {"code", "message", "issues"?}}`. */
export function answerError(c: Context, thrown: unknown, log: Logger): Response {
  const error =
    thrown instanceof HTTPException ? errors.malformed("malformed_request", thrown.message) : thrown;
  if (error instanceof TickworkError && error.kind !== "unavailable") {
    if (error.kind === "unauthorized") c.header("WWW-Authenticate", "Bearer");
    const { code, message, issues } = error;
    return c.json({ error: { code, message, ...(issues ? { issues } : {}) } }, STATUS[error.kind]);
  }
  if (error instanceof TickworkError) {
    // What a database says of itself is for the log, not for the world.
    log.error("a request failed", { ...requestOf(c), error: error.message });
    c.header("Retry-After", RETRY_AFTER_SECONDS);
    const message =
      "A database does not answer. What was asked may have been done; with an Idempotency-Key it is safe to repeat.";
    return c.json({ error: { code: error.code, message } }, STATUS.unavailable);
  }
  // What nobody expected says nothing to the world; the log has it.
  log.error("a request failed unexpectedly", { ...requestOf(c), error: messageOf(error), cause: error });
  return c.json(
    { error: { code: "internal", message: "Something went wrong here; the log says what." } },
    500,
  );
}
