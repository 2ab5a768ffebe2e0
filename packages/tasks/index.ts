/**
 * `tickwork/tasks`: the tasks that ship with Tickwork. Their code is loaded when it is needed, so it must not be exported from here: import
 * the files themselves for more than this list.
 */
import { lazyTask, TickworkError } from "#core";
import type { ExportDefinition } from "./define-export.ts";

export type { CleanupResult } from "./cleanup.ts";
export type { DataExportResult } from "./data-export.ts";
export { type ColumnType, defineExport, type ExportDefinition, type ExportParam } from "./define-export.ts";
export type { EmailBatchResult, EmailOutcome } from "./email-batch.ts";
export type { HttpRequestResult } from "./http-request.ts";

/**
 * `data_export` for these queries, in place of the one in `definitions`. Its code is loaded when a task of the type is
 * checked or run.
 *
 * @throws TickworkError `bad_definition` when two exports have the same name
 * @example
 * const orders = defineExport({
 *   name: "orders",
 *   sql: "select id, total from orders",
 *   columns: { id: "integer", total: "number" },
 *   key: "id",
 * });
 * const all = [...definitions.filter(({ type }) => type !== "data_export"), dataExport([orders])];
 */
export function dataExport(exports: readonly ExportDefinition[]) {
  const names = exports.map(({ name }) => name);
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice !== undefined)
    throw new TickworkError("bad_definition", `each export must have a name of its own, got ${twice} twice`);
  return lazyTask({
    type: "data_export",
    load: async () => (await import("./data-export.ts")).dataExportOf(exports),
  });
}

/**
 * What the deployment can run. To add a type, define it with `defineTask` in a file of its own, as `cleanup.ts` does,
 * and put it in this list: as it is, or with `lazyTask` if its code is large.
 */
export const definitions = [
  lazyTask({ type: "http_request", load: async () => (await import("./http-request.ts")).httpRequest }),
  lazyTask({ type: "cleanup", load: async () => (await import("./cleanup.ts")).cleanup }),
  lazyTask({
    type: "cleanup_temp_files",
    load: async () => (await import("./cleanup-temp-files.ts")).cleanupTempFiles,
  }),
  lazyTask({
    type: "email_batch",
    maxAttempts: 3,
    load: async () => (await import("./email-batch.ts")).emailBatch,
  }),
  lazyTask({ type: "data_export", load: async () => (await import("./data-export.ts")).shippedExport }),
];
