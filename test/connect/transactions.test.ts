/** Tasks that are part of a transaction of the user's, by each library as it is. */
import { neon } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import * as v from "valibot";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Connection, connect } from "#connect";
import { createDatabase as createTickworkDatabase, defineTask, migrate, silent, systemClock } from "#core";
import type { Transaction } from "../../packages/connect/transaction.ts";
import { ARMED_MS, ENDED_PAUSE_MS } from "../../packages/core/limits.ts";
import { openPg } from "../../packages/drivers/pg.ts";
import { openPgChannel } from "../../packages/drivers/pg-channel.ts";
import { createDatabase, serversAnswer } from "../../scripts/local-servers.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { type Library, libraries } from "../support/connect/libraries.ts";
import { eventually } from "../support/eventually.ts";
import { noteLog } from "../support/run/noted-log.ts";

const greet = defineTask({
  type: "greet",
  data: v.object({ firstName: v.string() }),
  run: async ({ firstName }) => ({ hello: firstName }),
});
type Tx = Transaction & object;
const ARMED = { afterMs: ARMED_MS, event: { askPostgres: true, by: "armed" } };

describe.skipIf(!serversAnswer)("a task in a transaction", () => {
  let url = "";
  let drop: () => Promise<void>;
  let driver: Awaited<ReturnType<typeof openPg>>;
  const toClose: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    ({ url, drop } = await createDatabase());
    driver = await openPg(url);
    await migrate(createTickworkDatabase(driver, systemClock), silent);
    await run("create table notes (text text)");
  });
  afterEach(async () => {
    await Promise.all(toClose.splice(0).map((close) => close()));
    await run(`truncate "baasix_Tasks", notes restart identity`);
  });
  afterAll(async () => {
    await driver.close();
    await drop();
  });
  const run = (text: string) => driver.query({ text }, new AbortController().signal);
  const count = async (table: string) => (await run(`select from ${table}`)).length;
  const open = () => {
    const doorbell = noteRings();
    const tickwork = connect({ databaseUrl: url, doorbell, log: silent });
    toClose.push(() => tickwork.close());
    return { tickwork, rings: doorbell.rings };
  };
  const openLibrary = (name: string): Library => {
    const library = libraries[name]?.(url);
    if (!library) throw new Error(`there is no ${name}`);
    toClose.push(library.close);
    return library;
  };
  /** What both ways enqueue. */
  const inside =
    (tickwork: Connection, end: () => unknown = () => "done") =>
    async (tx: Tx, send: (text: string) => Promise<unknown>) => {
      const before = await count(`"baasix_Tasks"`);
      await send("insert into notes values ('mine')");
      const at = new Date(Date.now() + 60_000);
      const task = await tickwork.enqueue(
        greet,
        { firstName: "Ada" },
        { tx, at, userId: "u", maxAttempts: 2 },
      );
      expect(task).toMatchObject({ type: "greet", task_data: { firstName: "Ada" }, userCreated_Id: "u" });
      expect(task).toMatchObject({ scheduled_time: at.toISOString(), max_attempts: 2, rev: 1 });
      await tickwork.enqueueMany(greet, [{ data: { firstName: "Alan" } }, { data: { firstName: "Grace" } }], {
        tx,
      });
      expect(await count(`"baasix_Tasks"`)).toBe(before);
      return end();
    };
  const fail = () => {
    throw new Error("no");
  };

  describe.each(Object.keys(libraries))("of %s", (name) => {
    test("is there with what else it wrote, and is told of as soon as it is committed", async () => {
      const { tickwork, rings } = open();
      const { beginBy } = openLibrary(name);
      expect(await beginBy(tickwork, inside(tickwork))).toBe("done");
      expect([await count("notes"), await count(`"baasix_Tasks"`)]).toEqual([1, 3]);
      // One ring was armed before, for all three; the rest tells of what is there.
      expect(rings[0]).toEqual(ARMED);
      expect(rings.filter(({ event }) => event?.by === "armed")).toHaveLength(1);
      expect(rings).toContainEqual({ now: { askPostgres: true } });
    });

    test("is not there when that is rolled back, and nothing is told", async () => {
      const { tickwork, rings } = open();
      const { beginBy } = openLibrary(name);
      await expect(beginBy(tickwork, inside(tickwork, fail))).rejects.toThrow("no");
      expect([await count("notes"), await count(`"baasix_Tasks"`)]).toEqual([0, 0]);
      expect(rings).toEqual([ARMED]);
    });

    test("is told of when somebody says that it is committed, or Postgres does", async () => {
      const { tickwork, rings } = open();
      const { begin } = openLibrary(name);
      const given: Tx[] = [];
      await begin((tx, send) => {
        given.push(tx);
        return inside(tickwork)(tx, send);
      });
      expect(rings).toEqual([ARMED]);
      for (const tx of given) await tickwork.committed(tx);
      expect(rings).toContainEqual({ now: { askPostgres: true } });
      rings.length = 0;
      await begin(inside(tickwork));
      await eventually(() => rings.some(({ now }) => now?.askPostgres));
      rings.length = 0;
      await expect(begin(inside(tickwork, fail))).rejects.toThrow("no");
      await tickwork.close();
      expect(rings).toEqual([ARMED]);
    });

    test("is not taken where it would be in no transaction", async () => {
      const { tickwork } = open();
      const { db } = openLibrary(name);
      await expect(tickwork.enqueue(greet, { firstName: "Ada" }, { tx: db as never })).rejects.toMatchObject({
        issues: [
          { path: "tx", message: expect.stringMatching(/^is .*, on which the task would not be in your/) },
        ],
      });
    });

    test("is refused with its reason", async () => {
      const { tickwork } = open();
      const { begin } = openLibrary(name);
      await run(`alter table "baasix_Tasks" add constraint short check (length(type) < 9) not valid`);
      try {
        await expect(begin((tx) => tickwork.enqueue("something-long", {}, { tx }))).rejects.toMatchObject({
          code: "invalid_request",
          message: expect.stringMatching(/^Postgres refuses this.*short/),
        });
      } finally {
        await run(`alter table "baasix_Tasks" drop constraint short`);
      }
      const wrong: [string, (tx: Tx) => Promise<unknown>][] = [
        ["task_data.firstName", (tx) => tickwork.enqueue(greet, { firstName: 7 as never }, { tx })],
        ["type", (tx) => tickwork.enqueue("", {}, { tx })],
        ["idempotencyKey", (tx) => tickwork.enqueue("greet", {}, { tx, idempotencyKey: "a" })],
        ["userId", (tx) => tickwork.enqueue("greet", {}, { tx, userId: "" })],
      ];
      for (const [path, enqueue] of wrong)
        await expect(begin(enqueue)).rejects.toMatchObject({ issues: [{ path }] });
      expect(await count(`"baasix_Tasks"`)).toBe(0);
    });
  });

  test("is refused in what is no transaction at all", async () => {
    const { tickwork } = open();
    for (const tx of [{}, "tx", 7, { query: "no" }, () => {}])
      await expect(tickwork.enqueue(greet, { firstName: "Ada" }, { tx: tx as never })).rejects.toMatchObject({
        issues: [{ path: "tx", message: expect.stringMatching(/^must be the transaction that Drizzle/) }],
      });
    const http = neon("postgres://app:secret@ep-name.eu-central-1.aws.neon.tech/shop");
    await expect(tickwork.enqueue(greet, { firstName: "Ada" }, { tx: http as never })).rejects.toThrow(
      /over HTTP.*tickwork\.enqueue/,
    );
    await expect(tickwork.transaction({} as never, async () => {})).rejects.toMatchObject({
      issues: [{ path: "db", message: expect.stringMatching(/^must be a database of Drizzle/) }],
    });
  });

  test("was not committed where a statement failed, though COMMIT is answered", async () => {
    const { tickwork, rings } = open();
    const pool = new pg.Pool({ connectionString: url });
    toClose.push(() => pool.end());
    const broken = tickwork.transaction(pool, async (tx) => {
      await tickwork.enqueue(greet, { firstName: "Ada" }, { tx });
      await tx.query("select 1 / 0", []).catch(() => {});
    });
    await expect(broken).rejects.toThrow("The transaction was rolled back");
    expect(await count(`"baasix_Tasks"`)).toBe(0);
    expect(rings.filter(({ event }) => event?.by !== "armed")).toEqual([]);
  });

  test("is not told of at the end of a savepoint", async () => {
    const { tickwork } = open();
    const pool = new pg.Pool({ connectionString: url });
    toClose.push(() => pool.end());
    const told = drizzle(pool).transaction(async (tx) => tickwork.transaction(tx as never, async () => {}));
    await expect(told).rejects.toThrow(/^db must be a database of Drizzle/);
  });

  test("is watched no more when the connection was closed while it was enqueued", async () => {
    const noted = noteLog();
    const doorbell = noteRings();
    const tickwork = connect({ databaseUrl: url, doorbell, log: noted.log });
    const [blocker, pool] = [
      new pg.Client({ connectionString: url }),
      new pg.Pool({ connectionString: url }),
    ];
    await blocker.connect();
    await blocker.query(`begin; lock table "baasix_Tasks" in share mode`);
    const client = await pool.connect();
    await client.query("begin");
    const enqueued = tickwork.enqueue(greet, { firstName: "Ada" }, { tx: client });
    await eventually(async () => {
      const waiting = await run(`select from pg_locks where not granted and database = (
        select oid from pg_database where datname = current_database())`);
      return waiting.length > 0;
    });
    await tickwork.close();
    await blocker.query("rollback");
    await enqueued;
    await client.query("commit");
    client.release();
    await Promise.all([blocker.end(), pool.end()]);
    // The first look at how it ended would come within this time, and find that nothing can be asked.
    await new Promise((resolve) => setTimeout(resolve, 3 * ENDED_PAUSE_MS));
    expect(noted.lines).toEqual([]);
    expect(doorbell.rings).toEqual([ARMED]);
  });

  test("is told by Postgres itself, once and only when it is committed, where servers listen to it", async () => {
    const channel = await openPgChannel({ databaseUrl: url, postgres: driver, log: silent });
    const heard: string[] = [];
    await channel.listen({ hear: (text) => heard.push(text), missed: () => {} });
    toClose.push(() => channel.close());
    const tickwork = connect({ databaseUrl: url, log: silent });
    toClose.push(() => tickwork.close());
    const { begin } = openLibrary("node-postgres");
    await expect(begin(inside(tickwork, fail))).rejects.toThrow("no");
    await begin(inside(tickwork));
    await run(`select tickwork.enqueue('greet', '{"firstName":"Ada"}')`);
    await eventually(() => heard.length >= 2);
    await channel.check();
    expect(heard.map((text) => JSON.parse(text))).toEqual([
      { from: "a transaction", now: { askPostgres: true }, due: [] },
      { from: "a transaction", now: { askPostgres: true }, due: [] },
    ]);
  });
});
