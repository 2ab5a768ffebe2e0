/** What a task keeps for its later attempts: what it has done and must not do again. */
export interface TaskNotes {
  /** All notes of the task, by name: also those of attempts that failed or whose worker died. */
  read(): Promise<Record<string, unknown>>;
  /**
   * Writes notes, all of them or none, and waits until Postgres has them. A note of the same name is replaced, and with
   * `undefined` it is removed. Only the worker that has the task's lease can write; the others hear here that they lost it.
   *
   * @param notes values are JSON; all of them together have at most 256 KB, and a name at most 255 characters
   * @throws TaskAborted `lease_lost` when another worker may be running the task: nothing was written
   * @throws PostgresError when it is unknown whether they were written, or Postgres refused them
   * @example await notes.write({ paid: { receipt: "R-7" } });
   */
  write(notes: Readonly<Record<string, unknown>>): Promise<void>;
}

/** In a batch, tasks are leased and settled together, and each may be repeated: there is nothing to note. */
export const NO_NOTES: TaskNotes = {
  read: () => refuse(),
  write: () => refuse(),
};

async function refuse(): Promise<never> {
  throw new Error("notes are for tasks that run one at a time; this type has `batch`");
}
