import * as v from "valibot";
import { defineTask } from "#core";
import { onlyFields } from "./only-fields.ts";
import { deleteTempFiles, errorOf, type FileNote, fileNames } from "./temp-files.ts";

/** What `cleanup` leaves in `result_data`. */
export interface CleanupResult {
  deleted_tasks: number;
  deleted_files: number;
  missing_files: number;
  refused_files: FileNote[];
}

/** A century: more days than that are no time that Postgres can reckon with. */
const MAX_DAYS = 36_500;

/**
 * `cleanup`: deletes finished tasks that are older than some days, and temporary files in the data folder.
 *
 * @example await tasks.create([{ type: "cleanup", task_data: { older_than_days: 30, temp_files: ["imports/7.csv"] } }]);
 */
export const cleanup = defineTask({
  type: "cleanup",
  data: v.pipe(
    onlyFields({
      /** Finished tasks of this age are deleted; absent: none are. 0 deletes all finished ones. */
      older_than_days: v.optional(
        v.pipe(
          v.number(),
          v.check(
            (days) => days >= 0 && days <= MAX_DAYS,
            ({ input }) => `${input} is not accepted; a number from 0 to ${MAX_DAYS} is`,
          ),
        ),
      ),
      /** Relative to the data folder, or absolute and within it. */
      temp_files: v.optional(fileNames),
    }),
    v.check(
      ({ older_than_days, temp_files }) => older_than_days !== undefined || temp_files !== undefined,
      "says nothing to clean up; older_than_days, temp_files or both are accepted",
    ),
  ),
  run: async ({ older_than_days, temp_files = [] }, context): Promise<CleanupResult> => {
    const { task, tasks, signal, progress, log } = context;
    const deleted_tasks =
      older_than_days === undefined
        ? 0
        : await tasks.deleteFinished(older_than_days, { keepId: task.id, signal });
    // It stops at the signal, and says then how many it had.
    signal.throwIfAborted();
    const report = await deleteTempFiles(temp_files, { dataDir: tasks.config.dataDir, signal, progress });
    const error = errorOf(report);
    if (error) {
      // The error names a few of the files only.
      log.warn("a cleanup left files behind", { deleted_tasks, ...report });
      throw error;
    }
    const { deleted_files, missing_files, refused_files } = report;
    return { deleted_tasks, deleted_files, missing_files, refused_files };
  },
});
