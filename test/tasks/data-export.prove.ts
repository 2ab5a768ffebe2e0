/** An export of many rows takes as much memory as one of few. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { type DataExportResult, dataExport, defineExport } from "#tasks";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { temporaryFolder } from "../support/bed/template.ts";

const FEW = 50_000;
const MANY = 300_000;
/** The rows of the many would take more than 100 MB; of Parquet, the end of the file grows with its row groups. */
const GROWTH_LIMIT_BYTES = 16 * 1024 * 1024;

/** What is in use after the garbage was collected. */
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const inUse = () => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

describeOnStacks("memory", (bed) => {
  test.skipIf(bed.kind === "embedded").each(["csv", "ndjson", "parquet"])(
    "%s: it does not grow with the rows",
    { timeout: 300_000 },
    async (format) => {
      await bed.sql(`create table if not exists many as
        select n as id, repeat(md5(n::text), 3) as text, now() as at from generate_series(1, ${MANY}) n`);
      await bed.sql("create unique index if not exists many_id on many (id)");
      const of = (name: string, rows: number) =>
        defineExport({
          name,
          sql: `select * from many where id <= ${rows}`,
          columns: { id: "integer", text: "text", at: "timestamp" },
          key: "id",
        });
      const folder = temporaryFolder();
      const { tasks, worker } = bed.make({
        doorbell: noteRings(),
        definitions: [dataExport([of("few", FEW), of("many", MANY)])],
        env: { EXPORT_TO: folder },
      });
      const peakOf = async (name: string) => {
        let peak = 0;
        const timer = setInterval(() => {
          peak = Math.max(peak, inUse());
        }, 400);
        const [task] = await tasks.create([{ type: "data_export", task_data: { export: name, format } }]);
        await worker.tick();
        clearInterval(timer);
        const { result_data } = await tasks.get(task?.id ?? 0);
        return { peak, result: result_data as DataExportResult };
      };
      // The first one loads what is needed.
      await peakOf("few");
      const few = await peakOf("few");
      const many = await peakOf("many");
      const growthMb = (many.peak - few.peak) / 1e6;
      console.log(`${format}: ${MANY} rows take ${growthMb.toFixed(1)} MB more than ${FEW}`);
      expect(few.result.rows).toBe(FEW);
      expect(many.result.rows).toBe(MANY);
      expect(statSync(many.result.place).size).toBe(many.result.bytes);
      expect(many.result.bytes).toBeGreaterThan(4.5 * few.result.bytes);
      expect(many.result.held_rows).toBe(few.result.held_rows);
      expect(many.result.held_rows).toBeLessThanOrEqual(format === "parquet" ? 10_000 : 1_000);
      expect(many.peak - few.peak).toBeLessThan(GROWTH_LIMIT_BYTES);
      if (format === "csv")
        expect(readFileSync(join(folder, "many-3.csv"), "utf8").split("\r\n")).toHaveLength(MANY + 2);
    },
  );
});
