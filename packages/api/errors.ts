import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorKind, errors, type Logger, messageOf, TickworkError } from "#core";

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

/** How every error looks: `{"error": {"code", "message", "issues"?}}`. */
export function answerError(c: Context, thrown: unknown, log: Logger): Response {
  const error =
    thrown instanceof HTTPException ? errors.malformed("malformed_request", thrown.message) : thrown;
  if (error instanceof TickworkError) {
    if (error.kind === "unauthorized") c.header("WWW-Authenticate", "Bearer");
    if (error.kind === "unavailable")
      log.error("a request failed", { path: c.req.path, error: error.message });
    const { code, message, issues } = error;
    return c.json({ error: { code, message, ...(issues ? { issues } : {}) } }, STATUS[error.kind]);
  }
  // What nobody expected says nothing to the world; the log has it.
  log.error("a request failed unexpectedly", { path: c.req.path, error: messageOf(error), cause: error });
  return c.json(
    { error: { code: "internal", message: "Something went wrong here; the log says what." } },
    500,
  );
}
