/**
 * What callers are told of a task: its secrets and the stacks of its errors are for `admin`, what is encrypted for
 * `write` and `admin`.
 */
import type { Context } from "hono";
import type { AttemptRecord, Task, TaskErrorData } from "#core";
import { invalidRequest, quote } from "../core/errors.ts";
import { findRedacted, REDACTED, redactNames } from "../core/redact.ts";
import { ENCRYPTED } from "../core/tasks/encryption.ts";
import { callerOf, sessionEndOf } from "./guard.ts";

/** What a task holds that may have secrets. */
const HOLDS = ["task_data", "result_data", "error_data"] as const;

/** On a screen no secret is shown, whoever looks at it. */
const seesSecrets = (c: Context) => callerOf(c).scopes.includes("admin") && sessionEndOf(c) === undefined;

/** What is encrypted is for those who could have written it; and not for screens. */
const seesEncrypted = (c: Context) =>
  callerOf(c).scopes.some((scope) => scope !== "read") && sessionEndOf(c) === undefined;

/** The same task, as its caller may see it. */
export function toldTo<Told extends object>(c: Context, task: Told): Told {
  const shown = seesEncrypted(c) ? task : withoutEncrypted(task);
  const told = callerOf(c).scopes.includes("admin") ? shown : withoutStack(shown);
  if (seesSecrets(c)) return told;
  const given = told as Partial<Record<(typeof HOLDS)[number], unknown>>;
  const held = HOLDS.flatMap((name) => (name in told ? [[name, redactNames(given[name])]] : []));
  return { ...told, ...(Object.fromEntries(held) as object) };
}

function withoutEncrypted<Told extends object>(task: Told): Told {
  const { encrypted, error_data, history } = task as Partial<Task>;
  if (!encrypted) return task;
  const shown: Partial<Task> = {};
  for (const name of encrypted) {
    if (name === "history") shown.history = history?.map(withoutMessage) ?? null;
    else if (name === "error_data") shown.error_data = withoutMessages(error_data as TaskErrorData);
    else shown[name] = ENCRYPTED;
  }
  return { ...task, ...shown };
}

const withoutMessage = (record: AttemptRecord): AttemptRecord => ({ ...record, message: ENCRYPTED });

const withoutMessages = ({ stack: _, history, ...error }: TaskErrorData): TaskErrorData => ({
  ...error,
  message: ENCRYPTED,
  ...(history ? { history: history.map(withoutMessage) } : {}),
});

function withoutStack<Told extends { error_data?: unknown }>(task: Told): Told {
  const { error_data: error } = task;
  if (typeof error !== "object" || error === null || !("stack" in error)) return task;
  const { stack: _, ...rest } = error;
  return { ...task, error_data: rest };
}

/**
 * Refuses data that a caller has got without its secrets, and sends back so: they would be lost.
 *
 * @throws TickworkError `invalid_request`
 */
export function refuseRedacted(c: Context, changes: unknown): void {
  if (seesSecrets(c)) return;
  const path = findRedacted((changes as { task_data?: unknown } | null)?.task_data, ["task_data"]);
  if (path === undefined) return;
  throw invalidRequest([
    {
      path,
      message: `must be the value itself, got ${quote(REDACTED)}, which stands for one that this key may not see`,
    },
  ]);
}
