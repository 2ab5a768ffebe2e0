/** What a handler gets of a task whose data is encrypted. */
import { messageOf, TickworkError } from "../errors.ts";
import { ENCRYPTION_KEY_PAUSE_MS } from "../limits.ts";
import { isSealed } from "../tasks/encryption.ts";
import type { Registry } from "../tasks/registry.ts";
import type { Outcome, Task } from "../tasks/task.ts";
import { failedForGood, type OutcomeDeps } from "./outcome.ts";

interface OpeningDeps extends OutcomeDeps {
  registry: Pick<Registry, "encryption">;
}

/**
 * The task as its handler gets it, or what becomes of it otherwise. Where its key is missing it waits, for the key may
 * come back; what was changed in the row fails. The data stays in the row either way.
 */
export function openForHandler(deps: OpeningDeps, task: Task): { task: Task } | { outcome: Outcome } {
  const { encryption } = deps.registry;
  if (!isSealed(task.task_data)) return { task: encryption.open(task) };
  try {
    return { task: { ...encryption.open(task), task_data: encryption.openData(task) } };
  } catch (error) {
    const message = messageOf(error);
    if (!(error instanceof TickworkError && error.code === "encryption_key_missing"))
      return { outcome: failedForGood(deps, task, message, { code: "decryption_failed" }) };
    deps.log.error("a task waits for its encryption key", { task: task.id, type: task.type, error: message });
    const { name, code } = { name: "EncryptionKeyError", code: "encryption_key_missing" };
    const told = { message, name, code, attempts: task.attempts - 1 };
    return { outcome: { kind: "given_back", delayMs: ENCRYPTION_KEY_PAUSE_MS, error: told } };
  }
}

/** The same of a task of a batch. */
export function openEntry<Entry extends { readonly task: Task }>(
  deps: OpeningDeps,
  entry: Entry,
): Entry | { outcome: Outcome } {
  const opened = openForHandler(deps, entry.task);
  if ("outcome" in opened) return opened;
  return opened.task === entry.task ? entry : { ...entry, task: opened.task };
}
