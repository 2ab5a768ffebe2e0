import * as v from "valibot";
import { defineTask } from "#core";
import { deleteTempFiles, errorOf, fileNames } from "./temp-files.ts";

/**
 * `cleanup_temp_files`: deletes the temporary files of an import. The type and its data are those of the task that the
 * hook in Baasix's documentation creates, so unknown fields are allowed.
 *
 * @example await tasks.create([{ type: "cleanup_temp_files", task_data: { import_id: 7, temp_files: ["imports/7.csv"] } }]);
 */
export const cleanupTempFiles = defineTask({
  type: "cleanup_temp_files",
  data: v.object({
    /** Returned in the result. */
    import_id: v.nullish(v.union([v.string(), v.number()])),
    /** As in `cleanup`; an import may have none. */
    temp_files: v.nullish(fileNames),
  }),
  run: async ({ import_id, temp_files }, { config, signal, progress, log }) => {
    const report = await deleteTempFiles(temp_files ?? [], { dataDir: config.dataDir, signal, progress });
    const error = errorOf(report);
    if (error) {
      log.warn("a cleanup left files behind", { import_id, ...report });
      throw error;
    }
    const { deleted_files, missing_files, refused_files } = report;
    return { import_id: import_id ?? null, deleted_files, missing_files, refused_files };
  },
});
