/** What the statements cost in a table of a million rows: Postgres's own words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SEEN_LIMIT } from "../../packages/core/limits.ts";
import { statements } from "../../packages/core/sql.ts";
import { openTestBed, stacks, type TestBed } from "../helpers/stack.ts";

const sql = statements();

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
    const buffers = Math.max(
      ...lines.flatMap((line) => [...line.matchAll(/(?:hit|read)=(\d+)/g)].map(([, pages]) => Number(pages))),
    );
    return { text: lines.join("\n"), buffers };
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

  test("the window reads what it takes and no more, and the gate of Postgres a few pages", async () => {
    const window = await explain(sql.window, ["1000", "4096", "{}"]);
    expect(window.text).toContain("Index Scan using tickwork_waiting");
    expect(window.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    const gate = await explain(sql.gate, ["token", "60000", "1", "0", null, "f", "{}"]);
    expect(gate.text).toMatch(/Index (Only )?Scan using tickwork_waiting/);
    expect(gate.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(gate.buffers).toBeLessThan(150);
  });

  test("the failed ones are found by an index of theirs", async () => {
    const { text } = await explain(sql.list("task_status = $2"), ["50", "Error"]);
    expect(text).not.toMatch(/Seq Scan/);
  });
});
