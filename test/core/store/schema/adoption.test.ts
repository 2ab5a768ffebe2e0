/** A table that others have made and go on using becomes Tickwork's, whatever happens to those who migrate it. */
import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Database, migrate, silent } from "#core";
import { INDEX_TRIES, MIGRATION_BATCH, MIGRATION_MARGIN_MS } from "../../../../packages/core/limits.ts";
import { SCHEMA_VERSION } from "../../../../packages/core/store/schema/migrations.ts";
import { serversAnswer } from "../../../../scripts/local-servers.ts";
import { openTestBed, type TestBed } from "../../../support/bed/bed.ts";
import { eachStack } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { eventually } from "../../../support/eventually.ts";
import { type NotedLine, noteLog } from "../../../support/run/noted-log.ts";
import { makeBaasixTable, schemaOf } from "../../../support/store/baasix-table.ts";
import { cutDatabase, Killed, type Moment } from "../../../support/store/cut-database.ts";
import { openRealDatabase, type RealDatabase } from "../../../support/store/real-database.ts";

let bed: TestBed;
let database: Database;
const open = async (kind: TestBed["kind"]) => {
  bed = await openTestBed(kind, { migrated: false });
  database = bed.make({ doorbell: noteRings() }).database;
};
const rowsOf = () =>
  bed.sql(
    `select id, task_status, scheduled_time, task_data, lease_expires_at, slot, rev from "baasix_Tasks" order by id`,
  );

/** Everything here is over long before, on a machine with time to spare. */
const MINUTES = { timeout: 120_000 };
const LIMIT = { limitMs: 30_000 };

eachStack("the adoption of a table", (kind) => {
  beforeEach(() => open(kind));
  afterEach(() => bed.close());

  test.each<Moment>(["before", "after"])(
    "goes on after a kill %s any request, and ends the same",
    MINUTES,
    async (moment) => {
      await makeBaasixTable(bed, { rows: 300 });
      let kills = 0;
      for (let done = false; !done; ) {
        const doomed = cutDatabase(database, moment, (_, nth) => nth === kills + 1);
        done = await migrate(doomed, silent).then(
          () => true,
          (error: unknown) => {
            if (!(error instanceof Killed)) throw error;
            return false;
          },
        );
        if (!done) kills++;
      }
      // One more request at a time: each of them was the last one of somebody.
      expect(kills).toBeGreaterThan(SCHEMA_VERSION / 2);
      const ended = { schema: await schemaOf(bed), rows: await rowsOf() };
      await bed.close();

      await open(kind);
      await makeBaasixTable(bed, { rows: 300 });
      expect(await migrate(database, silent)).toHaveLength(SCHEMA_VERSION);
      expect(ended).toEqual({ schema: await schemaOf(bed), rows: await rowsOf() });
      expect(ended.rows).toHaveLength(300);
      expect(ended.rows.filter((row) => row.lease_expires_at === "9999-12-31T00:00:00.000Z")).toHaveLength(3);
    },
  );

  test("refuses a table that has a column of its own by a name that is needed", async () => {
    await makeBaasixTable(bed, { rows: 1 });
    await bed.sql(`alter table "baasix_Tasks" add column priority text not null default 'high'`);
    await expect(migrate(database, silent)).rejects.toThrow(
      /has a column of its own named priority, queue or/,
    );
    await bed.sql(`alter table "baasix_Tasks" rename column priority to urgency`);
    expect((await migrate(database, silent)).length).toBeGreaterThan(0);
    expect(await bed.sql(`select urgency, priority from "baasix_Tasks"`)).toEqual([
      { urgency: "high", priority: null },
    ]);
  });

  test("stops before a statement when the time is up, and the next call goes on", MINUTES, async () => {
    await makeBaasixTable(bed, { rows: 300 });
    const stops: number[] = [];
    for (let budget = 1; ; budget++) {
      let statements = 0;
      const timeLeftMs = () => (++statements > budget ? MIGRATION_MARGIN_MS - 1 : 60_000);
      const done = await migrate(database, silent, { timeLeftMs }).catch((error: unknown) => error);
      if (Array.isArray(done)) break;
      expect(done).toMatchObject({ code: "migration_unfinished", kind: "unavailable" });
      const said =
        /^The time is up before migration (\d+) of \d+ \(".+"\) is done\. .*run the deployment again\.$/;
      stops.push(Number(said.exec((done as Error).message)?.[1]));
    }
    // Each got further than the one before, or as far.
    expect(stops.length).toBeGreaterThan(3);
    expect(stops).toEqual([...stops].sort((a, b) => a - b));
    expect(await bed.sql(`select id from tickwork_migrations`)).toHaveLength(SCHEMA_VERSION);
  });
});

const CREATE = "create unique index concurrently";

describe.skipIf(!serversAnswer)("an index of a table that is in use, on real servers", MINUTES, () => {
  let real: RealDatabase;
  let other: pg.Client;
  beforeEach(async () => {
    real = await openRealDatabase();
    await makeBaasixTable(real, { rows: 3_000, running: 50 });
    // The building of an index waits for whoever might still look at older rows.
    other = await real.connect();
    await other.query("begin isolation level repeatable read");
    await other.query("select 1");
  });
  afterEach(() => real.close());

  /** The connection that builds an index, once it waits for somebody. */
  const builder = () =>
    eventually(async () => {
      const [backend] = await real.sql<{ pid: string }>(
        `select pid from pg_stat_activity where datname = current_database() and query like '${CREATE}%'
          and state = 'active' and wait_event_type = 'Lock'`,
      );
      return backend?.pid;
    }, LIMIT);
  const validity = () =>
    real.sql(
      `select relname as name, indisvalid as valid from pg_index join pg_class on pg_class.oid = indexrelid
        where indrelid = to_regclass('"baasix_Tasks"') and relname like 'tickwork%' order by 1`,
    );
  const ALL_BUILT = [
    "tickwork_by_age",
    "tickwork_by_schedule",
    "tickwork_by_status",
    "tickwork_by_type",
    "tickwork_laned",
    "tickwork_laned_due",
    "tickwork_plain",
    "tickwork_running",
    "tickwork_unique",
  ].map((name) => ({ name, valid: "t" }));
  const diesBuilding = (moment: Moment) =>
    migrate(
      cutDatabase(real.database, moment, (text) => text.startsWith(CREATE)),
      silent,
    );
  /** What a migrator says of an index. */
  const saidOf = (lines: readonly NotedLine[], name: string) =>
    lines.filter(({ index }) => index === name).map(({ message }) => message);

  test("is built anew after its builder has died, with its connection", async () => {
    const died = expect(diesBuilding("after")).rejects.toThrow(Killed);
    await real.sql(`select pg_terminate_backend(${await builder()})`);
    await died;
    expect(await validity()).toEqual([{ name: "tickwork_running", valid: "f" }]);

    await other.query(`select from "baasix_Tasks" limit 1`);
    const { log, lines } = noteLog();
    const next = migrate(real.database, log);
    // While somebody reads the table, the remains stay, and nobody has to wait behind their removal for long.
    await eventually(() => saidOf(lines, "tickwork_running").length > 0, LIMIT);
    expect(await validity()).toEqual([{ name: "tickwork_running", valid: "f" }]);
    await other.query("rollback");
    expect(await next).toHaveLength(SCHEMA_VERSION);
    expect(await validity()).toEqual(ALL_BUILT);
    expect(saidOf(lines, "tickwork_running").at(-1)).toBe("building an index");
  });

  test("is waited for while Postgres still builds it for a migrator that has died", async () => {
    await expect(diesBuilding("during")).rejects.toThrow(Killed);
    await builder();

    const { log, lines } = noteLog();
    const next = migrate(real.database, log);
    await eventually(() => saidOf(lines, "tickwork_running").length > 0, LIMIT);
    await other.query("rollback");
    expect(await next).toHaveLength(SCHEMA_VERSION);
    expect(await validity()).toEqual(ALL_BUILT);
    expect(saidOf(lines, "tickwork_running")).not.toContain("building an index");
  });

  test("that takes longer than a statement may is somebody else's to build, as the message says", async () => {
    const outcome = migrate(real.database, silent).catch((error: unknown) => error as Error);
    for (let n = 0; n < INDEX_TRIES; n++) {
      const pid = await builder();
      await real.sql(`select pg_cancel_backend(${pid})`);
      await eventually(async () => {
        const active = `select from pg_stat_activity where pid = ${pid} and state = 'active' and query like '${CREATE}%'`;
        return (await real.sql(active)).length === 0;
      }, LIMIT);
    }
    const error = await outcome;
    expect(error).toMatchObject({ code: "migration_unfinished" });
    const [, advice = ""] = /build it with psql first: (.+);$/.exec((error as Error).message) ?? [];
    await other.query("rollback");
    await other.query(advice);
    expect(await validity()).toEqual([{ name: "tickwork_running", valid: "t" }]);
    expect(await migrate(real.database, silent)).toHaveLength(SCHEMA_VERSION);
    expect(await validity()).toEqual(ALL_BUILT);
  });

  test("is built by one of eight migrators, who change no row twice and no more than a batch at once", async () => {
    const batches: number[] = [];
    const counting: Database = {
      ...real.database,
      async transaction<Row>(...request: Parameters<Database["transaction"]>) {
        const answers = await real.database.transaction<Row>(...request);
        const [counted] = (answers.at(-1) ?? []) as { rows?: number }[];
        if (counted?.rows !== undefined) batches.push(counted.rows);
        return answers;
      },
    };
    await other.query("rollback");
    const applied = await Promise.all(Array.from({ length: 8 }, () => migrate(counting, silent)));
    expect(applied.flat()).toHaveLength(SCHEMA_VERSION);
    expect(await validity()).toEqual(ALL_BUILT);
    expect(Math.max(...batches)).toBe(MIGRATION_BATCH);
    expect(batches.reduce((sum, rows) => sum + rows)).toBe(1_500);
    const adopted = await real.sql(
      `select count(*) as rows from "baasix_Tasks" where lease_expires_at = '9999-12-31 00:00:00+00'`,
    );
    expect(adopted).toEqual([{ rows: "1500" }]);
  });
});
