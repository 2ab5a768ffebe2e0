import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { type ErrorKind, type Issue, type Logger, TickworkError } from "#core";
import { ERRORS, messageOf } from "../core/errors.ts";
import { requestOf } from "./log.ts";

/** What callers are told instead of the message: what a database or a defect says about itself is for the log alone. */
const HIDDEN: Partial<Record<ErrorKind, string>> = {
  unavailable:
    "A database does not answer. What was asked may have been done; with an Idempotency-Key it is safe to repeat.",
  internal: "Something went wrong here; the log says what.",
};

export const RETRY_AFTER_SECONDS = "5";

/** The one place where an error becomes an answer: its body, and its status from the catalogue. */
export function errorBody({ code, kind, message, issues }: TickworkError) {
  const error: { code: string; message: string; issues?: Issue[] } = {
    code,
    message: HIDDEN[kind] ?? message,
    ...(issues ? { issues } : {}),
  };
  return { status: ERRORS[code], body: { error } };
}

/** Answers a request that failed. */
export function answerError(c: Context, thrown: unknown, log: Logger): Response {
  const failure = errorOf(thrown);
  const { code, kind, message, cause } = failure;
  if (HIDDEN[kind])
    log.error("a request failed", {
      ...requestOf(c),
      code,
      error: message,
      ...(code === "internal" && { cause }),
    });
  if (kind === "unauthorized") c.header("WWW-Authenticate", "Bearer");
  if (kind === "unavailable") c.header("Retry-After", RETRY_AFTER_SECONDS);
  const { status, body } = errorBody(failure);
  return c.json(body, status);
}

function errorOf(thrown: unknown): TickworkError {
  if (thrown instanceof TickworkError) return thrown;
  if (thrown instanceof HTTPException) return new TickworkError("malformed_request", thrown.message);
  return new TickworkError("internal", messageOf(thrown), { cause: thrown });
}
