/**
 * Every error that Tickwork raises on purpose. `kind` says whose fault it is and is what HTTP maps to a
 * status (`packages/api/errors.ts`); `code` is for machines; `message` names what was given and what is
 * accepted.
 */
export type ErrorKind =
  /** The request cannot be read. */
  | "malformed"
  | "unauthorized"
  | "not_found"
  /** It can be read, and the state of the task forbids it. */
  | "conflict"
  | "too_large"
  /** It can be read, and a value in it is not acceptable. */
  | "invalid"
  /** Postgres or Redis did not answer. */
  | "unavailable";

/** One value that was not acceptable. */
export interface Issue {
  /** Where it is: `task_data.url`, `[3].type`. */
  path: string;
  message: string;
}

export class TickworkError extends Error {
  override readonly name = "TickworkError";
  readonly kind: ErrorKind;
  readonly code: string;
  readonly issues: Issue[] | undefined;

  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    options: { issues?: Issue[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.issues = options.issues;
  }
}

/** A value in the environment that stops the start. Its message is one line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Thrown by a handler to end a task in `Error` at once, whatever attempts are left. */
export class PermanentError extends Error {
  override readonly name: string = "PermanentError";
}

/** Thrown by a handler to be tried again after a time of its own choice, if attempts are left. */
export class RetryAfter extends Error {
  override readonly name: string = "RetryAfter";
  readonly delayMs: number;

  /** @example throw new RetryAfter(30_000, "the API asked for half a minute") */
  constructor(delayMs: number, message = `try again in ${delayMs} ms`, options?: ErrorOptions) {
    super(message, options);
    this.delayMs = delayMs;
  }
}

export const errors = {
  malformed: (code: string, message: string) => new TickworkError("malformed", code, message),
  unauthorized: (code: string, message: string) => new TickworkError("unauthorized", code, message),
  notFound: (code: string, message: string) => new TickworkError("not_found", code, message),
  noSuchRoute: (method: string, path: string) =>
    new TickworkError(
      "not_found",
      "route_not_found",
      `There is no ${method} ${path}; /openapi.json lists what there is.`,
    ),
  taskNotFound: (id: unknown) => new TickworkError("not_found", "task_not_found", `There is no task ${id}.`),
  invalid: (issues: Issue[]) =>
    new TickworkError(
      "invalid",
      "invalid_request",
      issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; "),
      { issues },
    ),
  conflict: (code: string, message: string) => new TickworkError("conflict", code, message),
  keyReused: (key: string) =>
    new TickworkError(
      "invalid",
      "idempotency_key_reused",
      `Idempotency-Key ${quote(key)} was used within 24 hours for another request; a key belongs to one request.`,
    ),
  tooLarge: (code: string, message: string) => new TickworkError("too_large", code, message),
  unavailable: (message: string, cause: unknown) =>
    new TickworkError("unavailable", "unavailable", message, { cause }),
};

/** The value as a reader would like to see it: quoted, and never longer than a line. */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** The text of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}
