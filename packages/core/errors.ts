/**
 * The catalogue of errors. What each code means and what to do about it is in `docs/errors.md`; the texts are in
 * `scripts/error-texts.ts`, which no function carries.
 */

/** Whose fault an error is, and the HTTP status that says so. */
const KINDS = {
  /** The request cannot be read. */
  malformed: 400,
  unauthorized: 401,
  not_found: 404,
  /** The request is fine, but the state of the task forbids it. */
  conflict: 409,
  too_large: 413,
  /** The request can be read, but a value in it is not acceptable. */
  invalid: 422,
  /** A defect of Tickwork. */
  internal: 500,
  /** Postgres or Redis does not answer, or is not set up. */
  unavailable: 503,
} as const;

/** Whose fault an error is. */
export type ErrorKind = keyof typeof KINDS;

/** Every code that a TickworkError, and so an answer of the HTTP API, can have. */
export const ERRORS = {
  malformed_json: "malformed",
  malformed_request: "malformed",
  key_missing: "unauthorized",
  key_wrong: "unauthorized",
  route_not_found: "not_found",
  task_not_found: "not_found",
  unknown_event: "not_found",
  task_running: "conflict",
  task_waiting: "conflict",
  task_finished: "conflict",
  task_state: "conflict",
  body_too_large: "too_large",
  too_many_tasks: "too_large",
  task_data_too_large: "too_large",
  invalid_request: "invalid",
  unknown_type: "invalid",
  idempotency_key_reused: "invalid",
  bad_definition: "invalid",
  internal: "internal",
  postgres_unavailable: "unavailable",
  redis_unavailable: "unavailable",
  table_missing: "unavailable",
  refresh_too_slow: "unavailable",
} as const satisfies Record<string, ErrorKind>;

/** A machine-readable reason; `docs/errors.md` says what each means and what to do. */
export type ErrorCode = keyof typeof ERRORS;

/** The codes that Tickwork itself writes into `error_data.code`. A handler's own errors may have any others. */
export type TaskErrorCode =
  | "unknown_type"
  | "invalid_data"
  | "timeout"
  | "cancelled"
  | "crashed"
  | "reset"
  | "result_refused";

/** The HTTP status of a code. */
export function statusOf(code: ErrorCode) {
  return KINDS[ERRORS[code]];
}

/** One value that was not acceptable. */
export interface Issue {
  /** Where it is: `task_data.url`, `[3].type`; empty for the request as a whole. */
  path: string;
  /** The rest of a sentence about it: `must be a string of 1 to 255 characters, got 7`. */
  message: string;
}

/**
 * What every method of Tickwork throws on purpose. The message names the value that was given and what is accepted.
 *
 * @example
 * const order = await tasks.get(7).catch((error: unknown) => {
 *   if (error instanceof TickworkError && error.code === "task_not_found") return undefined;
 *   throw error;
 * });
 */
export class TickworkError extends Error {
  override readonly name = "TickworkError";
  readonly code: ErrorCode;
  /** Whose fault it is; follows from the code, and decides the HTTP status. */
  readonly kind: ErrorKind;
  /** The values that were not acceptable, where there are such. */
  readonly issues: Issue[] | undefined;

  constructor(code: ErrorCode, message: string, options: { issues?: Issue[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = ERRORS[code];
    this.issues = options.issues;
  }
}

/**
 * A value in the environment that stops the start. Its message is one line: the variable, what it must be, what it was.
 *
 * @example
 * try {
 *   readConfig({ PORT: "http" });
 * } catch (error) {
 *   if (!(error instanceof ConfigError)) throw error;
 * }
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Thrown by a handler to end its task in `Error` at once, even if attempts are left. `code` becomes `error_data.code`.
 *
 * @example throw new PermanentError("the account is closed", { code: "account_closed" });
 */
export class PermanentError extends Error {
  override readonly name: string = "PermanentError";
  readonly code: string | undefined;

  constructor(message: string, { code, ...options }: ErrorOptions & { code?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Thrown by a handler to be tried again after `delayMs` milliseconds, if attempts are left.
 *
 * @example throw new RetryAfter(30_000, "the API asked for half a minute");
 */
export class RetryAfter extends Error {
  override readonly name: string = "RetryAfter";
  readonly delayMs: number;

  constructor(delayMs: number, message = `try again in ${delayMs} ms`, options?: ErrorOptions) {
    super(message, options);
    this.delayMs = delayMs;
  }
}

/** Errors that are raised in more than one place. */
export const errors = {
  taskNotFound: (id: unknown) => new TickworkError("task_not_found", `There is no task ${id}.`),
  invalid: (issues: Issue[], code: ErrorCode = "invalid_request") =>
    new TickworkError(code, describeIssues(issues), { issues }),
  keyReused: (key: string) =>
    new TickworkError(
      "idempotency_key_reused",
      `Idempotency-Key ${quote(key)} was used within 24 hours for another request; a key belongs to one request.`,
    ),
};

/** How our own messages of an issue begin; those of other people's schemas are sentences of their own. */
const PREDICATE = /^(must|is|has|cannot) /;

/** All issues in one line. */
export function describeIssues(issues: readonly Issue[]): string {
  return issues
    .map(({ path, message }) => (path ? `${path}${PREDICATE.test(message) ? "" : ":"} ${message}` : message))
    .join("; ");
}

/** @example mustBe("true or false", "yes") // 'must be true or false, got "yes"' */
export function mustBe(accepted: string, value: unknown): string {
  return `must be ${accepted}, got ${quote(value)}`;
}

/** The value as a reader would like to see it: quoted, as JSON where it is an object, and never longer than a line. */
export function quote(value: unknown): string {
  const isText = typeof value === "string" || (typeof value === "object" && !(value instanceof Date));
  const text = isText ? jsonOf(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function jsonOf(value: unknown): string {
  const notJson = "an object that is not JSON";
  try {
    return (JSON.stringify(value) as string | undefined) ?? notJson;
  } catch {
    return notJson;
  }
}

/** The text of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}
