import { mustBe } from "../errors.ts";
import { NAME_LIMIT, NOTES_LIMIT_BYTES } from "../limits.ts";
import type { Lease } from "../store/lease.ts";
import type { Store } from "../store/store.ts";
import type { TaskNotes } from "../tasks/notes.ts";
import { type AbortCode, TaskAborted } from "./abort.ts";

/**
 * The notes of a task that is leased. Each write tells whether the task was cancelled, too.
 *
 * @param abort aborts the handler's signal
 */
export function notesOf(
  store: Pick<Store, "readNotes" | "writeNotes">,
  lease: Lease,
  abort: (code: AbortCode) => void,
): TaskNotes {
  return {
    read: () => store.readNotes(lease.task.id),
    async write(notes) {
      const entries = Object.entries(notes);
      checkNotes(entries);
      const answer = await store.writeNotes(lease, {
        written: Object.fromEntries(entries.filter(([, value]) => value !== undefined)),
        removed: entries.flatMap(([name, value]) => (value === undefined ? [name] : [])),
      });
      if (!answer) {
        abort("lease_lost");
        throw new TaskAborted("lease_lost");
      }
      if (answer.cancelRequested) abort("cancelled");
    },
  };
}

/** @throws RangeError when a name or the whole is too long */
export function checkNotes(entries: readonly (readonly [string, unknown])[]): void {
  const long = entries.find(([name]) => name.length === 0 || name.length > NAME_LIMIT);
  if (long)
    throw new RangeError(
      `the name of a note ${mustBe(`a string of 1 to ${NAME_LIMIT} characters`, long[0])}`,
    );
  const bytes = Buffer.byteLength(JSON.stringify(entries));
  if (bytes > NOTES_LIMIT_BYTES)
    throw new RangeError(`notes must have at most ${NOTES_LIMIT_BYTES} bytes together, got ${bytes}`);
}
