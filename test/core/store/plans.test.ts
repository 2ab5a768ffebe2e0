/** What the statements cost in a table of a million rows: Postgres's own words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SEEN_LIMIT } from "../../../packages/core/limits.ts";
import { statements } from "../../../packages/core/store/sql.ts";
import { openTestBed, stacks, type TestBed } from "../../support/bed/bed.ts";

const sql = statements();

/** How many pages a plan touched. */
const pagesOf = (lines: readonly string[]) =>
  Math.max(
    ...lines.flatMap((line) => [...line.matchAll(/(?:hit|read)=(\d+)/g)].map(([, pages]) => Number(pages))),
  );

const ids = `'{${Array.from({ length: SEEN_LIMIT }, (_, n) => n + 1)}}'`;
const settle = ["1", "'x'", "null", "null", "0", "'next'", "60000", "'{}'"];
const statementsOfATask: [string, string, string[]][] = [
  ["a claim", sql.claim, ["0", "'token'", "60000", "3", ids, "'{}'"]],
  ["a settle", sql.complete.thenDue, settle],
  ["a settle that looks for leases", sql.complete.thenOverdueOrDue, [...settle, "3"]],
  ["the gate of Postgres", sql.gate, ["'token'", "60000", "1", "0", "null", "'f'", "'{}'"]],
];

/** Planned for its parameters, as every request to Neon is; and for any, as a connection does that lasts. */
async function pagesInEachMode(bed: TestBed, text: string, params: string[]): Promise<number[]> {
  const pages: number[] = [];
  for (const mode of ["force_custom_plan", "force_generic_plan"]) {
    await bed.sql("begin");
    await bed.sql(`set local plan_cache_mode = ${mode}`);
    await bed.sql(`prepare to_explain as ${text}`);
    const plan = await bed.sql<{ "QUERY PLAN": string }>(
      `explain (analyze, buffers, timing off) execute to_explain(${params.join(", ")})`,
    );
    await bed.sql("rollback");
    await bed.sql("deallocate to_explain");
    pages.push(pagesOf(plan.map((line) => line["QUERY PLAN"])));
  }
  return pages;
}

describe.each(stacks)("on %s", (kind) => {
  // The embedded Postgres takes long to make a million rows; its planner is the same, and a tenth shows it.
  const rows = kind === "embedded" ? 100_000 : 1_000_000;
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed(kind);
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    await bed.sql(`insert into "baasix_Tasks" (type, task_status, scheduled_time, rev)
      select 'note', (array['Completed', 'Not started', 'Error', 'Completed'])[1 + n % 4]::"enum_baasix_Tasks_task_status", now() - interval '1 day' + n * interval '1 second', 1
      from generate_series(1, ${rows}) n`);
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
    await bed.sql(`analyze "baasix_Tasks"`);
  }, 180_000);
  afterAll(() => bed.close());

  /** The plan, and how many pages it touched. */
  const explain = async (text: string, params: (string | null)[]) => {
    await bed.sql("begin");
    const plan = await bed.sql<{ "QUERY PLAN": string }>(
      `explain (analyze, buffers, timing off) ${text}`,
      params,
    );
    await bed.sql("rollback");
    const lines = plan.map((line) => line["QUERY PLAN"]);
    return { text: lines.join("\n"), buffers: pagesOf(lines) };
  };

  test(`a claim among ${rows} rows reads the partial index and a few pages`, async () => {
    const { text, buffers } = await explain(sql.claim, [
      "0",
      "token",
      "60000",
      "3",
      `{${Array.from({ length: SEEN_LIMIT }, (_, n) => n + 1)}}`,
      "{}",
    ]);
    expect(text).toContain("Index Scan using tickwork_waiting");
    expect(text).toContain("tickwork_running");
    expect(text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(buffers).toBeLessThan(150);
  });

  test.each([
    ["thenDue", ["1", "x", null, null, "0", "next", "60000", "{}"]],
    ["thenOverdueOrDue", ["1", "x", null, null, "0", "next", "60000", "{}", "3"]],
  ] as const)("so does a settle that claims the next one (%s)", async (form, params) => {
    const { text, buffers } = await explain(sql.complete[form], [...params]);
    expect(text).toContain("Index Scan using tickwork_waiting");
    expect(text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(buffers).toBeLessThan(150);
  });

  test.each(statementsOfATask)(
    "%s reads a few pages, whatever it is planned for",
    async (_, text, params) => {
      for (const pages of await pagesInEachMode(bed, text, params)) expect(pages).toBeLessThan(150);
    },
  );

  test("the window reads what it takes and no more, and the gate of Postgres a few pages", async () => {
    const window = await explain(sql.window, ["1000", "4096"]);
    expect(window.text).toContain("Index Scan using tickwork_waiting");
    expect(window.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    const gate = await explain(sql.gate, ["token", "60000", "1", "0", null, "f", "{}"]);
    expect(gate.text).toMatch(/Index (Only )?Scan using tickwork_waiting/);
    expect(gate.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(gate.buffers).toBeLessThan(150);
  });

  test.each(["Completed", "Error", "Running"])(
    "the list of the status %s reads a few pages",
    async (status) => {
      const { buffers } = await explain(sql.list(`task_status = '${status}'`), ["50"]);
      expect(buffers).toBeLessThan(150);
    },
  );
});

describe.each(stacks)("on %s, with statistics of a day when nothing waited", (kind) => {
  const rows = 30_000;
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed(kind);
    await bed.sql(`alter table "baasix_Tasks" set (autovacuum_enabled = false)`);
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    const fill = (status: string) =>
      bed.sql(`insert into "baasix_Tasks" (type, task_status, scheduled_time, rev)
        select 'note', '${status}', now() - interval '1 day' + n * interval '1 second', 1 from generate_series(1, ${rows}) n`);
    await fill("Completed");
    await bed.sql(`analyze "baasix_Tasks"`);
    await fill("Not started");
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
  }, 60_000);
  afterAll(() => bed.close());

  test.each(statementsOfATask)("%s reads a few pages all the same", async (_, text, params) => {
    for (const pages of await pagesInEachMode(bed, text, params)) expect(pages).toBeLessThan(150);
  });
});
