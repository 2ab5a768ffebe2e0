/** The adoption of a large table, by migrators of whom one is killed and two race. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, migrate, silent } from "#core";
import { MIGRATION_BATCH } from "../../../../packages/core/limits.ts";
import { SCHEMA_VERSION } from "../../../../packages/core/store/schema/migrations.ts";
import { serversAnswer } from "../../../../scripts/local-servers.ts";
import { makeBaasixTable, schemaOf } from "../../../support/store/baasix-table.ts";
import { cutDatabase, Killed } from "../../../support/store/cut-database.ts";
import { openRealDatabase, type RealDatabase } from "../../../support/store/real-database.ts";

const ROWS = 300_000;
const RUNNING = ROWS / 100;
const UPDATE = /\bupdate "baasix_Tasks"/;

describe.skipIf(!serversAnswer)(`a table of ${ROWS} rows, on real servers`, { timeout: 240_000 }, () => {
  let real: RealDatabase;
  beforeAll(async () => {
    real = await openRealDatabase();
    await makeBaasixTable(real, { rows: ROWS });
  }, 240_000);
  afterAll(() => real.close());

  /** The requests of all migrators, and how many rows each has changed. */
  const sent: { text: string; statements: string[]; rows: number }[] = [];
  const noted = (): Database => ({
    async query<Row>(...[statement, options]: Parameters<Database["query"]>) {
      sent.push({ text: statement.text, statements: [statement.text], rows: 0 });
      return real.database.query<Row>(statement, options);
    },
    async transaction<Row>(...[statements, options]: Parameters<Database["transaction"]>) {
      const answers = await real.database.transaction<Row>(statements, options);
      const [counted] = (answers.at(-1) ?? []) as { rows?: number }[];
      const texts = statements.map(({ text }) => text);
      sent.push({ text: texts.at(-1) ?? "", statements: texts, rows: counted?.rows ?? 0 });
      return answers;
    },
  });
  const digest = () =>
    real.sql(
      `select md5(string_agg(concat_ws('|', id, task_status, type, scheduled_time, task_data, status), ',' order by id)) as rows
        from "baasix_Tasks"`,
    );

  test("is adopted in batches, goes on after a kill in the middle, and its rows stay as they are", async () => {
    const before = await digest();
    const doomed = migrate(
      cutDatabase(noted(), "after", (text) => UPDATE.test(text)),
      silent,
    );
    await expect(doomed).rejects.toThrow(Killed);
    const halfWay = sent.reduce((sum, { rows }) => sum + rows, 0);
    expect(halfWay).toBe(MIGRATION_BATCH);

    const applied = await Promise.all([migrate(noted(), silent), migrate(noted(), silent)]);
    expect(applied.flat()).toHaveLength(SCHEMA_VERSION);
    expect(await digest()).toEqual(before);

    const changed = sent.map(({ rows }) => rows).filter((rows) => rows > 0);
    expect(Math.max(...changed)).toBe(MIGRATION_BATCH);
    expect(changed.reduce((sum, rows) => sum + rows)).toBe(RUNNING);
    // What the first one has built is not built again; the others were begun by one of those who followed, or by both.
    const built = sent.flatMap(({ text }) => /index concurrently if not exists (\w+)/.exec(text)?.[1] ?? []);
    expect(built.slice(0, 2)).toEqual(["tickwork_running", "tickwork_by_status"]);
    expect(new Set(built.slice(1))).toEqual(
      new Set([
        "tickwork_by_status",
        "tickwork_by_type",
        "tickwork_by_age",
        "tickwork_unique",
        "tickwork_by_schedule",
        "tickwork_plain",
        "tickwork_laned",
        "tickwork_laned_due",
      ]),
    );
    expect(await schemaOf(real)).toMatchObject({
      indexes: expect.not.arrayContaining([expect.objectContaining({ valid: "f" })]),
    });
  });

  test("no statement that changes rows reads the table to find them", async () => {
    const updates = new Map(sent.map(({ text, statements }) => [text, statements] as const));
    for (const text of updates.keys()) if (!UPDATE.test(text)) updates.delete(text);
    expect(updates.size).toBe(3);
    const session = await real.connect();
    for (const [update, statements] of updates) {
      await session.query("begin");
      for (const earlier of statements.slice(0, -1)) await session.query(earlier);
      const { rows } = await session.query<{ "QUERY PLAN": string }>(`explain ${update}`);
      await session.query("rollback");
      const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
      expect(plan).not.toContain(`Seq Scan on "baasix_Tasks"`);
      expect(plan).toContain("tickwork_running");
    }
  });
});
