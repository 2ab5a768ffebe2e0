import * as v from "valibot";
import { defineTask } from "#core";
import { mustBe } from "../core/errors.ts";
import { onlyFields } from "./only-fields.ts";
import { deleteTempFiles, errorOf, type FileNote, fileNames } from "./temp-files.ts";

/** What `cleanup` leaves in `result_data`. */
export interface CleanupResult {
  deleted_tasks: number;
  deleted_files: number;
  missing_files: number;
  refused_files: FileNote[];
}

/** A century; larger values exceed what Postgres can represent. */
const MAX_DAYS = 36_500;

/**
 * `cleanup`: deletes tasks that finished some days ago, and temporary files in the data folder.
 *
 * @example await tasks.create([{ type: "cleanup", task_data: { older_than_days: 30, temp_files: ["imports/7.csv"] } }]);
 */
export const cleanup = defineTask({
  type: "cleanup",
  data: v.pipe(
    onlyFields({
      /** Tasks that finished longer ago are deleted; 0 deletes all finished ones. Absent: none. */
      older_than_days: v.optional(
        v.pipe(
          v.number(),
          v.check(
            (days) => days >= 0 && days <= MAX_DAYS,
            ({ input }) => mustBe(`a number from 0 to ${MAX_DAYS}`, input),
          ),
        ),
      ),
      /** Paths relative to the data folder, or absolute ones within it. */
      temp_files: v.optional(fileNames),
    }),
    v.check(
      ({ older_than_days, temp_files }) => older_than_days !== undefined || temp_files !== undefined,
      "must have older_than_days, temp_files or both, got neither",
    ),
  ),
  run: async ({ older_than_days, temp_files = [] }, context): Promise<CleanupResult> => {
    const { config, signal, progress, log } = context;
    const deleted_tasks = older_than_days === undefined ? 0 : await context.deleteFinished(older_than_days);
    // It returns early when the signal aborts.
    signal.throwIfAborted();
    const report = await deleteTempFiles(temp_files, { dataDir: config.dataDir, signal, progress });
    const error = errorOf(report);
    if (error) {
      // The error names only a few of the files.
      log.warn("a cleanup left files behind", { deleted_tasks, ...report });
      throw error;
    }
    const { deleted_files, missing_files, refused_files } = report;
    return { deleted_tasks, deleted_files, missing_files, refused_files };
  },
});
