/** Unique keys in transactions of the user's, by each library as it is. */
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect } from "#connect";
import { createDatabase as createTickworkDatabase, defineTask, migrate, silent, systemClock } from "#core";
import { ARMED_MS } from "../../packages/core/limits.ts";
import { openPg } from "../../packages/drivers/pg.ts";
import { createDatabase, serversAnswer } from "../../scripts/local-servers.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { libraries } from "../support/connect/libraries.ts";
import { eventually } from "../support/eventually.ts";

const index = defineTask({ type: "index", run: async () => {} });
const KEY = { uniqueKey: "a" } as const;

describe.skipIf(!serversAnswer)("a unique key in a transaction", () => {
  let url = "";
  let drop: () => Promise<void>;
  let driver: Awaited<ReturnType<typeof openPg>>;
  let pool: pg.Pool;
  const toClose: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    ({ url, drop } = await createDatabase());
    driver = await openPg(url);
    pool = new pg.Pool({ connectionString: url });
    await migrate(createTickworkDatabase(driver, systemClock), silent);
  });
  afterEach(async () => {
    await Promise.all(toClose.splice(0).map((close) => close()));
    await run(`truncate "baasix_Tasks" restart identity`);
  });
  afterAll(async () => {
    await Promise.all([pool.end(), driver.close()]);
    await drop();
  });
  const run = (text: string) => driver.query({ text }, new AbortController().signal);
  const open = () => {
    const doorbell = noteRings();
    const tickwork = connect({ databaseUrl: url, doorbell, log: silent });
    toClose.push(() => tickwork.close());
    return { tickwork, rings: doorbell.rings };
  };

  test.each(Object.keys(libraries))("of %s is told what became of it", async (name) => {
    const { tickwork } = open();
    const library = libraries[name]?.(url);
    if (!library) throw new Error(`there is no ${name}`);
    toClose.push(library.close);
    await library.begin(async (tx) => {
      const first = await tickwork.enqueue(index, 1, { ...KEY, tx });
      expect(first).toMatchObject({ unique_outcome: "created", task_data: 1 });
      expect(await tickwork.enqueue(index, 2, { ...KEY, onConflict: "replace", tx })).toMatchObject({
        ...{ id: first.id, unique_outcome: "replaced", task_data: 2, rev: 2 },
      });
    });
    expect(await tickwork.enqueue(index, 3, KEY)).toMatchObject({ unique_outcome: "kept", task_data: 2 });
  });

  test.each(["commit", "rollback"])("who asks for it meanwhile waits for its end: %s", async (end) => {
    const { tickwork } = open();
    const client = await pool.connect();
    await client.query("begin");
    const first = await tickwork.enqueue(index, 1, { ...KEY, tx: client });
    const second = tickwork.enqueue(index, 2, KEY);
    await eventually(
      async () =>
        (
          await run(
            `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
        ).length === 1,
    );
    await client.query(end);
    client.release();
    const { id, unique_outcome } = await second;
    expect(unique_outcome).toBe(end === "commit" ? "kept" : "created");
    expect(id === first.id).toBe(end === "commit");
    expect(await run(`select from "baasix_Tasks"`)).toHaveLength(1);
  });

  test("holds up no worker whose running task is kept in it, and rings for nothing", async () => {
    const { tickwork, rings } = open();
    const { id } = await tickwork.enqueue(index, 1, { ...KEY, uniqueFor: "unfinished" });
    await run(`update "baasix_Tasks" set task_status = 'Running'`);
    rings.length = 0;
    const client = await pool.connect();
    await client.query("begin");
    const kept = await tickwork.enqueue(index, 2, { ...KEY, onConflict: "replace", tx: client });
    expect(kept).toMatchObject({ id, task_status: "Running", task_data: 1, unique_outcome: "kept" });
    await run(`set lock_timeout = '2s'`);
    await run(`update "baasix_Tasks" set task_status = 'Completed'`);
    await client.query("commit");
    client.release();
    expect(rings).toEqual([]);
  });

  test("is told after the commit where it replaced a task, which no worker takes before", async () => {
    const { tickwork, rings } = open();
    const { id } = await tickwork.enqueue(index, 1, { ...KEY, at: new Date(Date.now() + 3_600_000) });
    rings.length = 0;
    await tickwork.transaction(pool, async (tx) => {
      await tickwork.enqueue(index, 2, { ...KEY, onConflict: "replace", tx });
      expect(rings).toEqual([{ afterMs: ARMED_MS, event: { askPostgres: true, by: "armed" } }]);
      const waiting = `select from "baasix_Tasks" where id = ${id}`;
      expect(await run(`${waiting} for update skip locked`)).toEqual([]);
    });
    expect(rings.length).toBeGreaterThan(1);
    expect(await tickwork.tasks.get(id)).toMatchObject({ task_data: 2, rev: 2 });
  });
});
