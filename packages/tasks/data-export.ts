import * as v from "valibot";
import { defineTask, PermanentError, type TaskContext } from "#core";
import { describeIssues, mustBe, quote } from "../core/errors.ts";
import type { ExportDefinition, ExportParam } from "./define-export.ts";
import type { OwnErrorCode } from "./error-codes.ts";
import { FORMATS, openEncoder } from "./export-formats.ts";
import { expectedRows, pagesOf } from "./export-pages.ts";
import { openSink, type Sink } from "./export-places.ts";
import { onlyFields } from "./only-fields.ts";
import { taskExport } from "./task-export.ts";

/** What `data_export` leaves in `result_data`. */
export interface DataExportResult {
  /** A path, or `s3://bucket/key`. */
  place: string;
  rows: number;
  bytes: number;
  /** Rows that were in memory at a time, at most. */
  held_rows: number;
}

/** A name and nothing else: no folder, no way up, no hidden file. */
const FILE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * `data_export`: the rows of a query that is on the list, as a file. The task says which one, and its parameters; SQL is
 * in the list alone.
 *
 * @example await tasks.create([{ type: "data_export", task_data: { export: "tasks", format: "csv" } }]);
 */
export function dataExportOf(exports: readonly ExportDefinition[]) {
  const known = new Map(exports.map((one) => [one.name, one]));
  const accepted = [...known.keys()].join(", ");
  const data = v.pipe(
    onlyFields({
      export: v.pipe(
        v.string(),
        v.check(
          (name) => known.has(name),
          ({ input }) => mustBe(`one of ${accepted}`, input),
        ),
      ),
      /** Default CSV. */
      format: v.optional(v.picklist(FORMATS), "csv"),
      /** What the query is given. */
      params: v.optional(v.record(v.string(), v.unknown()), {}),
      /** Default: the names of the export and of the task. What has the name is replaced. */
      file: v.optional(
        v.pipe(
          v.string(),
          v.regex(FILE, ({ input }) =>
            mustBe("a name of letters, digits, . _ and -, without a folder", input),
          ),
        ),
      ),
      /** Of CSV: `escape` writes ' before text that a spreadsheet would run as a formula. */
      formulas: v.optional(v.picklist(["escape", "keep"]), "escape"),
    }),
    v.forward(
      v.rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        const definition = known.get(dataset.value.export);
        const checked = definition && checkParams(definition, dataset.value.params);
        // A schema that takes its time is asked when the task runs.
        if (checked && !(checked instanceof Promise) && checked.issues)
          addIssue({ message: issuesOf(checked.issues) });
      }),
      ["params"],
    ),
  );
  return defineTask({
    type: "data_export",
    data,
    run: async (given, { task, attempt, config, readRows, signal, progress }): Promise<DataExportResult> => {
      const definition = known.get(given.export);
      if (!definition) throw new PermanentError(`there is no export ${quote(given.export)}`);
      if (config.exportTo === undefined)
        throw new PermanentError("There is nowhere to put an export: EXPORT_TO is not set.", {
          code: "export_not_set_up" satisfies OwnErrorCode,
        });
      const checked = await checkParams(definition, given.params);
      if (checked.issues) throw new PermanentError(issuesOf(checked.issues), { code: "invalid_data" });
      const name = given.file ?? `${definition.name}-${task.id}`;
      const file = name.endsWith(`.${given.format}`) ? name : `${name}.${given.format}`;
      const sink = await openSink(config.exportTo, { file, task: task.id, attempt });
      return writeExport(definition, checked.value, { ...given, sink, readRows, signal, progress });
    },
  });
}

/** That of `definitions`. */
export const shippedExport = dataExportOf([taskExport]);

type Writing = Pick<TaskContext, "readRows" | "signal" | "progress"> & {
  format: (typeof FORMATS)[number];
  formulas: "escape" | "keep";
  sink: Sink;
};

/** Writes all pages. The sink gets its name only if nothing fails and the task is still ours. */
export async function writeExport(
  definition: ExportDefinition,
  params: Readonly<Record<string, ExportParam>>,
  { format, formulas, sink, readRows, signal, progress }: Writing,
): Promise<DataExportResult> {
  const { columns } = definition;
  const result = { place: sink.place, rows: 0, bytes: 0, held_rows: 0 };
  const write = async (bytes: Uint8Array) => {
    await sink.write(bytes);
    result.bytes += bytes.byteLength;
  };
  try {
    const encoder = await openEncoder(format, { columns, formulas });
    const expected = await expectedRows(definition, params, readRows);
    await write(encoder.begin());
    for await (const page of pagesOf(definition, params, readRows)) {
      signal.throwIfAborted();
      result.rows += page.length;
      result.held_rows = Math.max(result.held_rows, encoder.held + page.length);
      await write(await encoder.page(page));
      // It is an estimate, and the last row is not the end.
      await progress(Math.min(0.99, result.rows / Math.max(expected, result.rows)));
    }
    await write(await encoder.end());
    signal.throwIfAborted();
    await sink.finish();
    return result;
  } finally {
    await sink.discard();
  }
}

function checkParams({ params }: ExportDefinition, given: Record<string, unknown>) {
  const [unknown] = Object.keys(given);
  if (params) return params["~standard"].validate(given);
  return unknown === undefined
    ? { value: {}, issues: undefined }
    : { issues: [{ message: `must be empty, got ${quote(unknown)}` }] };
}

type StandardIssues = readonly { message: string; path?: readonly unknown[] | undefined }[];

function issuesOf(issues: StandardIssues): string {
  return describeIssues(
    issues.map(({ message, path = [] }) => ({
      path: path
        .map((part) => (typeof part === "object" && part !== null && "key" in part ? part.key : part))
        .join("."),
      message,
    })),
  );
}
