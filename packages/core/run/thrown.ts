import { jsonOf } from "../errors.ts";
import { STACK_LIMIT } from "../limits.ts";
import { redactText } from "../redact.ts";
import type { TaskErrorData } from "../tasks/task.ts";

/**
 * Describes whatever a handler threw, as JSON that Postgres stores: no zero byte, no half of a surrogate pair, and none
 * of the secrets that clients put into their messages.
 */
export function describeThrown(thrown: unknown): Omit<TaskErrorData, "attempts" | "history"> {
  if (!(thrown instanceof Error))
    return { message: storable(typeof thrown === "string" ? thrown : jsonOf(thrown)), name: "NonError" };
  const { code } = thrown as { code?: unknown };
  return {
    message: storable(String(thrown.message || thrown.name)),
    name: storable(String(thrown.name)),
    ...(typeof code === "string" || typeof code === "number" ? { code: storable(String(code)) } : {}),
    ...(thrown.stack ? { stack: storable(String(thrown.stack)) } : {}),
  };
}

function storable(text: string): string {
  return redactText(text.slice(0, STACK_LIMIT)).replaceAll("\0", "").toWellFormed();
}
