/** `data_export` on each stack: what is in the file, and what is never there. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { Task } from "#core";
import { type DataExportResult, dataExport, defineExport, definitions, type ExportDefinition } from "#tasks";
import { dataExportOf, writeExport } from "../../packages/tasks/data-export.ts";
import { openS3, openSink } from "../../packages/tasks/export-places.ts";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { failureOf, issuesOf } from "../support/web/run-task.ts";
import { serveS3 } from "../support/web/s3-server.ts";

const NUMBERS: ExportDefinition = {
  name: "numbers",
  sql: "select n, n * 2 as twice from generate_series(1, :count::int) n",
  columns: { n: "integer", twice: "integer" },
  key: "n",
  params: v.strictObject({ count: v.pipe(v.number(), v.integer()) }),
  pageRows: 10,
};
const VALUES: ExportDefinition = {
  name: "values",
  sql: `select * from (values
      (1, 'plain', 9007199254740993, 0.1::numeric(40, 30), true, '2026-11-29T10:11:12.123456+01'::timestamptz, '{"a": [1, null]}'::json),
      (2, 'a "b", c' || chr(13) || chr(10) || 'd', -1, -1.5, false, '1999-12-31T23:59:59Z', '"=x"'),
      (3, '=HYPERLINK("http://evil")', 0, 'NaN', null, null, null),
      (4, '', null, null, true, null, null), (5, null, null, null, true, null, null),
      (6, '-1+1', 0, 0, true, null, null), (7, ' @x', 0, 0, true, null, null), (8, '＝1', 0, 0, true, null, null))
    as t (id, "a text", big, exact, yes, at, data) -- the end`,
  columns: {
    id: "integer",
    "a text": "text",
    big: "integer",
    exact: "number",
    yes: "boolean",
    at: "timestamp",
    data: "json",
  },
  key: ["id"],
  pageRows: 3,
};

describeOnStacks("data_export", (bed) => {
  const setUp = (...exports: ExportDefinition[]) => {
    const folder = join(temporaryFolder(), "exports");
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [dataExport(exports)],
      env: { EXPORT_TO: folder },
    });
    const run = async (task_data: unknown, columns: object = {}): Promise<Task> => {
      const [task] = await tasks.create([{ type: "data_export", task_data, ...columns }]);
      await worker.tick();
      return tasks.get(task?.id ?? 0);
    };
    const text = (task: Task) => readFileSync((task.result_data as DataExportResult).place, "utf8");
    return { folder, tasks, run, text };
  };

  test("reads page by page, each row once, and says where, how many and how large", async () => {
    const { folder, run, text } = setUp(NUMBERS);
    for (const count of [0, 1, 9, 10, 11, 35]) {
      const task = await run({ export: "numbers", params: { count } });
      const lines = ["n,twice", ...Array.from({ length: count }, (_, n) => `${n + 1},${2 * n + 2}`)];
      expect(text(task)).toBe(`${lines.join("\r\n")}\r\n`);
      expect(task).toMatchObject({
        task_status: "Completed",
        result_data: {
          place: join(folder, `numbers-${task.id}.csv`),
          rows: count,
          bytes: Buffer.byteLength(text(task)),
          held_rows: Math.min(10, count),
        },
      });
    }
  });

  test("CSV: nulls, quotes, exact numbers, times in UTC; and no text is a formula", async () => {
    const { run, text } = setUp(VALUES);
    const safe = await run({ export: "values" });
    expect(text(safe).split("\r\n")).toEqual([
      "id,a text,big,exact,yes,at,data",
      '1,plain,9007199254740993,0.100000000000000000000000000000,true,2026-11-29T09:11:12.123456Z,"{""a"": [1, null]}"',
      '2,"a ""b"", c',
      'd",-1,-1.5,false,1999-12-31T23:59:59.000000Z,"""=x"""',
      '3,"\'=HYPERLINK(""http://evil"")",0,NaN,,,',
      '4,"",,,true,,',
      "5,,,,true,,",
      "6,'-1+1,0,0,true,,",
      "7,' @x,0,0,true,,",
      "8,'＝1,0,0,true,,",
      "",
    ]);
    const kept = await run({ export: "values", formulas: "keep" });
    expect(text(kept)).toContain('3,"=HYPERLINK(""http://evil"")",');
    expect(text(kept)).toContain("6,-1+1,");
  });

  test("NDJSON: a line each, with all digits", async () => {
    const { run, text } = setUp(VALUES);
    const lines = text(await run({ export: "values", format: "ndjson", file: "v.ndjson" })).split("\n");
    expect(lines).toHaveLength(9);
    expect(lines[0]).toBe(
      '{"id":1,"a text":"plain","big":9007199254740993,"exact":0.100000000000000000000000000000,"yes":true,"at":"2026-11-29T09:11:12.123456Z","data":{"a": [1, null]}}',
    );
    for (const line of lines.slice(0, 8)) JSON.parse(line);
    expect(JSON.parse(lines[2] ?? "")).toEqual({
      id: 3,
      "a text": '=HYPERLINK("http://evil")',
      big: 0,
      exact: null,
      yes: null,
      at: null,
      data: null,
    });
  });

  test("Parquet: another library reads it", async () => {
    const { run } = setUp(VALUES, NUMBERS);
    const task = await run({ export: "values", format: "parquet" });
    const read = async ({ result_data }: Task) => {
      const { buffer, byteOffset, byteLength } = readFileSync((result_data as DataExportResult).place);
      return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer });
    };
    const rows = await read(task);
    expect(rows).toHaveLength(8);
    expect(rows[0]).toEqual({
      id: 1n,
      "a text": "plain",
      big: 9007199254740993n,
      exact: 0.1,
      yes: true,
      at: new Date("2026-11-29T09:11:12.123Z"),
      data: '{"a": [1, null]}',
    });
    expect(rows[4]).toMatchObject({ id: 5n, "a text": null, big: null });
    expect(await read(await run({ export: "numbers", format: "parquet", params: { count: 0 } }))).toEqual([]);
  });

  test("a half of a file is never there under its name, whatever fails", async () => {
    const failing = defineExport({
      ...NUMBERS,
      sql: "select n, 1 / (25 - n) as twice from generate_series(1, :count::int) n",
    });
    const { folder, run } = setUp(failing);
    mkdirSync(folder);
    writeFileSync(join(folder, "mine.csv"), "as it was");
    const task = await run({ export: "numbers", params: { count: 40 }, file: "mine.csv" });
    expect(task).toMatchObject({
      task_status: "Error",
      error_data: { message: expect.stringContaining("division by zero") },
    });
    expect(readdirSync(folder)).toEqual(["mine.csv"]);
    expect(readFileSync(join(folder, "mine.csv"), "utf8")).toBe("as it was");
    expect((await run({ export: "numbers", params: { count: 20 }, file: "mine.csv" })).task_status).toBe(
      "Completed",
    );
    expect(readFileSync(join(folder, "mine.csv"), "utf8")).toMatch(/^n,twice/);
  });

  test("a key that would lose rows ends it", async () => {
    const { folder, run } = setUp(
      { ...NUMBERS, name: "same", sql: "select 1 as n, 2 as twice from generate_series(1, :count::int)" },
      {
        ...NUMBERS,
        name: "nulls",
        sql: "select nullif(n, 30) as n, 2 as twice from generate_series(1, :count::int) n",
      },
    );
    for (const name of ["same", "nulls"]) {
      const task = await run({ export: name, params: { count: 40 } });
      expect(task).toMatchObject({ task_status: "Error", error_data: { code: "export_key" } });
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a query cannot write, and a parameter is never SQL", async () => {
    await bed.sql("create table if not exists victims (n int)");
    const { run } = setUp(
      defineExport({
        ...NUMBERS,
        name: "writes",
        sql: "with w as (select nextval('audit_seq') as n) select n, n as twice from w, generate_series(1, :count::int)",
      }),
      defineExport({
        name: "texts",
        sql: "select 1 as n, :text::text as text, 'a:b' as other, '10:30'::time::text as time",
        columns: { n: "integer", text: "text", other: "text", time: "text" },
        key: "n",
        params: v.strictObject({ text: v.string() }),
      }),
    );
    await bed.sql("create sequence if not exists audit_seq");
    expect(await run({ export: "writes", params: { count: 1 } })).toMatchObject({
      error_data: { message: expect.stringContaining("read-only transaction") },
    });
    const text = "'); drop table victims; --";
    const task = await run({ export: "texts", params: { text }, format: "ndjson" });
    expect(readFileSync((task.result_data as DataExportResult).place, "utf8")).toBe(
      `{"n":1,"text":${JSON.stringify(text)},"other":"a:b","time":"10:30:00"}\n`,
    );
    await bed.sql("select from victims");
  });

  test("the one that ships has the tasks that have finished", async () => {
    const folder = temporaryFolder();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions, env: { EXPORT_TO: folder } });
    await tasks.create([{ type: "cleanup", task_data: { older_than_days: 1 } }]);
    await worker.tick();
    await tasks.create([
      { type: "data_export", task_data: { export: "tasks", params: { type: "cleanup" } } },
    ]);
    await worker.tick();
    const [file = ""] = readdirSync(folder);
    expect(file).toBe("tasks-2.csv");
    const [head, row] = readFileSync(join(folder, file), "utf8").split("\r\n");
    expect(head).toBe("id,type,status,attempts,crashes,scheduled_time,started_at,finished_at");
    expect(row).toMatch(/^1,cleanup,Completed,1,0,20\S+Z,20\S+Z,20\S+Z$/);
  });
});

describe("what is refused at once", () => {
  const definition = dataExportOf([NUMBERS, VALUES]);
  const valid = { export: "numbers", params: { count: 1 } };
  test.each([
    ["an export that is not on the list", { export: "constructor" }],
    ["SQL", { export: "values", sql: "select 1" }],
    ["SQL for a name", { export: "numbers; drop table x", params: { count: 1 } }],
    ["a parameter of another type", { ...valid, params: { count: "1; drop table x" } }],
    ["a parameter that is missing", { export: "numbers" }],
    ["a parameter too many", { ...valid, params: { count: 1, more: 1 } }],
    ["parameters where there are none", { export: "values", params: { a: 1 } }],
    ["a format", { ...valid, format: "xlsx" }],
    ...[
      "../x",
      "..",
      ".",
      "/etc/passwd",
      "a/b",
      "a\\b",
      "x\0.csv",
      "",
      ".hidden",
      "x\n",
      "%2e%2e%2fx",
      "ü",
      "C:x",
      "~",
    ].map((file): [string, object] => [`the file ${JSON.stringify(file)}`, { ...valid, file }]),
    ["the file of 129 characters", { ...valid, file: "x".repeat(129) }],
  ])("%s", async (_, data) => {
    expect(await issuesOf(definition, data)).toHaveLength(1);
  });

  test("but a name with dots is one", async () => {
    expect(await issuesOf(definition, { ...valid, file: "2026-11..final.csv" })).toEqual([]);
  });

  test.each([
    ["a name", { ...NUMBERS, name: "A b" }],
    ["what is no select", { ...NUMBERS, sql: "delete from orders" }],
    ["a semicolon", { ...NUMBERS, sql: "select 1; " }],
    ["no column", { ...NUMBERS, columns: {} }],
    ["an unknown type", { ...NUMBERS, columns: { n: "uuid" as "text" } }],
    ["a key that is no column", { ...NUMBERS, key: "id" }],
    ["no rows", { ...NUMBERS, pageRows: 0 }],
  ])("a definition with %s", (_, wrong) => {
    expect(() => defineExport(wrong)).toThrow(expect.objectContaining({ code: "bad_definition" }));
  });

  test("two exports of one name", () => {
    expect(() => dataExport([NUMBERS, NUMBERS])).toThrow("got numbers twice");
  });
});

describe("a folder", () => {
  const sink = (folder: string, attempt: number) => openSink(folder, { file: "a.csv", task: 7, attempt });

  test("a worker that another has replaced cannot give its file the name", async () => {
    const folder = temporaryFolder();
    const first = await sink(folder, 1);
    await first.write(Buffer.from("first"));
    const second = await sink(folder, 2);
    await second.write(Buffer.from("second"));
    expect(await failureOf(first.finish())).toMatchObject({ code: "ENOENT" });
    await second.finish();
    await second.discard();
    expect(readdirSync(folder)).toEqual(["a.csv"]);
    expect(readFileSync(join(folder, "a.csv"), "utf8")).toBe("second");
  });

  test("a link under its name is replaced, not followed", async () => {
    const folder = temporaryFolder();
    const outside = join(temporaryFolder(), "outside");
    writeFileSync(outside, "as it was");
    symlinkSync(outside, join(folder, "a.csv"));
    const one = await sink(folder, 1);
    await one.write(Buffer.from("new"));
    await one.finish();
    expect(readFileSync(outside, "utf8")).toBe("as it was");
    expect(readFileSync(join(folder, "a.csv"), "utf8")).toBe("new");
  });
});

describe("S3", () => {
  /** Rows of 2 kB each, as a database would answer them, so that there are several parts. */
  const rows = (count: number, failAt = Number.POSITIVE_INFINITY) => {
    const pad = "x".repeat(2_000);
    return async <Row>({
      text,
      params = [],
    }: {
      text: string;
      params?: readonly unknown[];
    }): Promise<Row[]> => {
      if (text.startsWith("select exists")) return [{ found: false }] as Row[];
      if (text.startsWith("explain")) return [{ "QUERY PLAN": [{ Plan: { "Plan Rows": count } }] }] as Row[];
      const after = Number(params[0] ?? 0);
      if (after >= failAt) throw new Error("the database is gone");
      const length = Math.min(1_001, count - after);
      return Array.from({ length }, (_, n) => ({
        c0: `${after + n + 1}`,
        c1: pad,
        k0: `${after + n + 1}`,
      })) as Row[];
    };
  };
  const wide = defineExport({
    name: "wide",
    sql: "select 1",
    columns: { n: "integer", pad: "text" },
    key: "n",
  });
  const signal = new AbortController().signal;
  const options = { format: "csv", formulas: "escape", signal, progress: async () => {} } as const;

  test("the object comes in parts, and is there when all of it is", async () => {
    const s3 = await serveS3();
    const sink = await openS3("s3://exports/daily/", "wide.csv", s3.client);
    const progress: number[] = [];
    const result = await writeExport(
      wide,
      {},
      {
        ...options,
        sink,
        readRows: rows(20_000),
        progress: async (fraction) => {
          progress.push(fraction);
          expect(s3.objects.size).toBe(0);
        },
      },
    );
    const object = s3.objects.get("exports/daily/wide.csv");
    expect(result).toMatchObject({ place: "s3://exports/daily/wide.csv", rows: 20_000, held_rows: 1_000 });
    expect(object?.byteLength).toBe(result.bytes);
    expect(object?.toString().split("\r\n")[20_000]?.slice(0, 7)).toBe("20000,x");
    expect(s3.parts).toBe(3);
    expect(s3.open.size).toBe(0);
    expect(progress).toHaveLength(20);
    expect(progress.at(-1)).toBe(0.99);
  });

  test.each([
    ["the database", undefined, rows(20_000, 12_000)],
    ["a part", 2, rows(20_000)],
  ])("nothing is left when %s fails", async (_, failPart, readRows) => {
    const s3 = await serveS3();
    s3.failPart = failPart;
    const sink = await openS3("s3://exports", "wide.csv", s3.client);
    await failureOf(writeExport(wide, {}, { ...options, sink, readRows }));
    expect(s3.objects.size).toBe(0);
    expect(s3.open.size).toBe(0);
  });

  test("nor when the task was cancelled", async () => {
    const s3 = await serveS3();
    const aborting = new AbortController();
    const folder = temporaryFolder();
    for (const sink of [
      await openS3("s3://exports", "wide.csv", s3.client),
      await openSink(folder, { file: "wide.csv", task: 1, attempt: 1 }),
    ]) {
      const progress = async () => aborting.abort(new Error("cancelled"));
      const error = await failureOf(
        writeExport(
          wide,
          {},
          { ...options, sink, readRows: rows(20_000), signal: aborting.signal, progress },
        ),
      );
      expect(error.message).toBe("cancelled");
    }
    expect(s3.objects.size + s3.open.size).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(join(folder, "wide.csv"))).toBe(false);
  });
});
