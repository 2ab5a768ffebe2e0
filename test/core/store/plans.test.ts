/** What the statements cost in a table of a million rows: Postgres's own words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gateSql } from "../../../packages/core/gate/postgres-gate.ts";
import { SEEN_LIMIT } from "../../../packages/core/limits.ts";
import { claimSql } from "../../../packages/core/store/claim.ts";
import type { Statement } from "../../../packages/core/store/database.ts";
import { readSql } from "../../../packages/core/store/read.ts";
import { settleSql } from "../../../packages/core/store/settle.ts";
import { idArray } from "../../../packages/core/store/statement.ts";
import { windowSql } from "../../../packages/core/store/window.ts";
import { openTestBed, stacks, type TestBed } from "../../support/bed/bed.ts";

const NOW = "now()";
const common = { slot: 0, next_token: "next", lease_ms: 60_000, foreign: "{}" };
const seen = idArray(Array.from({ length: SEEN_LIMIT }, (_, n) => n + 1));
const claim = claimSql(NOW).claim({ ...common, max_crashes: 3, seen });
const completed = { ...common, id: 1, token: "x", result: null, lateness: null };
const settle = settleSql(NOW).complete.thenDue(completed);
const settleOverdue = settleSql(NOW).complete.thenOverdueOrDue({ ...completed, max_crashes: 3 });
const gate = gateSql(NOW).decide({
  token: "token",
  ttl_ms: 60_000,
  slots: 1,
  nap_ms: 0,
  held: null,
  release: false,
  foreign: "{}",
});

/** How many pages a plan touched. */
const pagesOf = (lines: readonly string[]) =>
  Math.max(
    ...lines.flatMap((line) => [...line.matchAll(/(?:hit|read)=(\d+)/g)].map(([, pages]) => Number(pages))),
  );

const statementsOfATask: [string, Statement][] = [
  ["a claim", claim],
  ["a settle", settle],
  ["a settle that looks for leases", settleOverdue],
  ["the gate of Postgres", gate],
];

const literal = (value: unknown) => (value === null ? "null" : `'${value}'`);

/** Planned for its parameters, as every request to Neon is; and for any, as a connection does that lasts. */
async function pagesInEachMode(bed: TestBed, { text, params = [] }: Statement): Promise<number[]> {
  const pages: number[] = [];
  for (const mode of ["force_custom_plan", "force_generic_plan"]) {
    await bed.sql("begin");
    await bed.sql(`set local plan_cache_mode = ${mode}`);
    await bed.sql(`prepare to_explain as ${text}`);
    const plan = await bed.sql<{ "QUERY PLAN": string }>(
      `explain (analyze, buffers, timing off) execute to_explain(${params.map(literal).join(", ")})`,
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
  const explain = async ({ text, params = [] }: Statement) => {
    await bed.sql("begin");
    const plan = await bed.sql<{ "QUERY PLAN": string }>(`explain (analyze, buffers, timing off) ${text}`, [
      ...params,
    ]);
    await bed.sql("rollback");
    const lines = plan.map((line) => line["QUERY PLAN"]);
    return { text: lines.join("\n"), buffers: pagesOf(lines) };
  };

  test(`a claim among ${rows} rows reads the partial index and a few pages`, async () => {
    const { text, buffers } = await explain(claim);
    expect(text).toContain("Index Scan using tickwork_waiting");
    expect(text).toContain("tickwork_running");
    expect(text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(buffers).toBeLessThan(150);
  });

  test.each([
    ["thenDue", settle],
    ["thenOverdueOrDue", settleOverdue],
  ])("so does a settle that claims the next one (%s)", async (_, statement) => {
    const { text, buffers } = await explain(statement);
    expect(text).toContain("Index Scan using tickwork_waiting");
    expect(text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(buffers).toBeLessThan(150);
  });

  test.each(statementsOfATask)("%s reads a few pages, whatever it is planned for", async (_, statement) => {
    for (const pages of await pagesInEachMode(bed, statement)) expect(pages).toBeLessThan(150);
  });

  test("the window reads what it takes and no more, and the gate of Postgres a few pages", async () => {
    const window = await explain(windowSql(NOW).window({ limit: 1_000, data_bytes: 4_096 }));
    expect(window.text).toContain("Index Scan using tickwork_waiting");
    expect(window.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    const look = await explain(gate);
    expect(look.text).toMatch(/Index (Only )?Scan using tickwork_waiting/);
    expect(look.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(look.buffers).toBeLessThan(150);
  });

  test.each(["Completed", "Error", "Running"] as const)(
    "the list of the status %s reads a few pages",
    async (status) => {
      const { buffers } = await explain(readSql(NOW).list({ status, limit: 50 }));
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

  test.each(statementsOfATask)("%s reads a few pages all the same", async (_, statement) => {
    for (const pages of await pagesInEachMode(bed, statement)) expect(pages).toBeLessThan(150);
  });
});
