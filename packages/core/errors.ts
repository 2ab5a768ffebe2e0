/**
 * The catalogue of errors. What each code means and what to do about it is in `docs/errors.md`; the texts are in
 * `scripts/error-texts.ts`, which no function carries.
 */
import { inspect } from "node:util";
import { ISSUE_TEXT_LIMIT, ISSUES_LIMIT } from "./limits.ts";

/** Every code that a TickworkError, and so an answer of the HTTP API, can have; with its HTTP status. */
export const ERRORS = {
  malformed_json: 400,
  malformed_request: 400,
  key_missing: 401,
  key_wrong: 401,
  key_expired: 401,
  session_ended: 401,
  scope_missing: 403,
  cross_site: 403,
  route_not_found: 404,
  task_not_found: 404,
  schedule_not_found: 404,
  key_not_found: 404,
  unknown_event: 404,
  task_running: 409,
  task_waiting: 409,
  task_finished: 409,
  task_state: 409,
  tasks_deleted: 409,
  too_many_keys: 409,
  unique_key_taken: 409,
  schedule_in_code: 409,
  decryption_failed: 409,
  body_too_large: 413,
  too_many_tasks: 413,
  task_data_too_large: 413,
  invalid_request: 422,
  unknown_type: 422,
  idempotency_key_reused: 422,
  bad_definition: 422,
  rate_limited: 429,
  internal: 500,
  postgres_unavailable: 503,
  redis_unavailable: 503,
  table_missing: 503,
  refresh_too_slow: 503,
  encryption_key_missing: 503,
  migration_unfinished: 503,
} as const;

/** Whose fault an error is, which is what its status says. */
const KINDS = {
  /** The request cannot be read. */
  400: "malformed",
  401: "unauthorized",
  /** The caller is known, but may not do this. */
  403: "forbidden",
  404: "not_found",
  /** The request is fine, but the state of the task forbids it. */
  409: "conflict",
  413: "too_large",
  /** The request can be read, but a value in it is not acceptable. */
  422: "invalid",
  /** Too many requests. */
  429: "limited",
  /** A defect of Tickwork. */
  500: "internal",
  /** Postgres or Redis does not answer, or is not set up. */
  503: "unavailable",
} as const satisfies Record<(typeof ERRORS)[ErrorCode], string>;

/** Whose fault an error is: `malformed`, `conflict`, `unavailable`, …. */
export type ErrorKind = (typeof KINDS)[keyof typeof KINDS];

/** A machine-readable reason; `docs/errors.md` says what each means and what to do. */
export type ErrorCode = keyof typeof ERRORS;

/** The codes that Tickwork itself writes into `error_data.code`. A handler's own errors may have any others. */
export type TaskErrorCode =
  | "invalid_data"
  | "migration_failed"
  | "timeout"
  | "cancelled"
  | "crashed"
  | "reset"
  | "result_refused"
  | "decryption_failed"
  | "encryption_key_missing";

/** One value that was not acceptable. */
export interface Issue {
  /** Where it is: `task_data.url`, `[3].type`; empty for the request as a whole. */
  path: string;
  /** The rest of a sentence about it: `must be a string of 1 to 255 characters, got 7`. */
  message: string;
}

/** How many issues there are, where not all are kept; `atLeast`: some values were not looked at any more. */
export interface IssueTotal {
  count: number;
  atLeast?: boolean;
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
    this.kind = KINDS[ERRORS[code]];
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

export function taskNotFound(id: unknown): TickworkError {
  return new TickworkError("task_not_found", `There is no task ${id}.`);
}

/** The error of values that are not acceptable. It tells the first of the issues, and how many more there are. */
export function invalidRequest(
  issues: readonly Issue[],
  code: ErrorCode = "invalid_request",
  total: IssueTotal = { count: issues.length },
): TickworkError {
  return new TickworkError(code, describeIssues(issues, total), { issues: toldOf(issues) });
}

/** Those of the issues that are told, each no longer than a few lines. */
function toldOf(issues: readonly Issue[]): Issue[] {
  return issues.slice(0, ISSUES_LIMIT).map(({ path, message }) => ({
    path: cut(path, ISSUE_TEXT_LIMIT),
    message: cut(message, ISSUE_TEXT_LIMIT),
  }));
}

/** @example throw refusal("limit", mustBe("a whole number from 0", -1)); */
export function refusal(path: string, message: string): TickworkError {
  return invalidRequest([{ path, message }]);
}

/** Nobody here runs tasks of this type. */
export function unknownType(types: readonly string[], given: string): TickworkError {
  return invalidRequest(
    [{ path: "type", message: mustBe(`one of ${types.join(", ")}`, given) }],
    "unknown_type",
  );
}

/** What is said of a schedule or a limit in code whose type is none of these. */
export const notDefined = (types: readonly string[], given: unknown): string =>
  `its type ${mustBe(`one that is defined (${types.map(quote).join(", ") || "none"})`, given)}`;

/** How our own messages of an issue begin; those of other people's schemas are sentences of their own. */
const PREDICATE = /^(must|is|has|cannot) /;

/** The issues in one line; of more than are told, how many. */
export function describeIssues(
  issues: readonly Issue[],
  { count, atLeast = false }: IssueTotal = { count: issues.length },
): string {
  const told = toldOf(issues).map(({ path, message }) =>
    path ? `${path}${PREDICATE.test(message) ? "" : ":"} ${message}` : message,
  );
  const more = count - told.length;
  return [...told, ...(more > 0 ? [`and ${atLeast ? "at least " : ""}${more} more`] : [])].join("; ");
}

/** @example mustBe("true or false", "yes") // 'must be true or false, got "yes"' */
export function mustBe(accepted: string, value: unknown): string {
  return `must be ${accepted}, got ${quote(value)}`;
}

/** Characters of a value that a message repeats. */
export const QUOTE_LIMIT = 80;

/** The value as a reader would like to see it: quoted, as JSON where it is an object, and never longer than a line. */
export function quote(value: unknown): string {
  const isJson = typeof value === "string" || (typeof value === "object" && !(value instanceof Date));
  return cut(isJson ? jsonOf(value) : String(value), QUOTE_LIMIT);
}

export function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

/** The value as JSON; what JSON cannot express, as Node prints it. */
export function jsonOf(value: unknown): string {
  try {
    return (JSON.stringify(value) as string | undefined) ?? inspect(value);
  } catch {
    return inspect(value);
  }
}

/** The text of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}
