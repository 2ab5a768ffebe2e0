/**
 * The Postgres of tests: one PGlite in the process, which takes a second to start, with a schema for each test Tickwork
 * that is open. It has one session, so before a statement it is told whose schema and whose time apply.
 */
import type { PGlite } from "@electric-sql/pglite";
import { createDatabase, migrate, type PostgresDriver, type Statement, silent, systemClock } from "#core";
import { pgliteDriver } from "#drivers";
import { loadPostgresGate } from "../core/gate/lazy-postgres-gate.ts";
import { missingPeer } from "../core/peer.ts";
import { withClock } from "../core/store/statement.ts";
import { loadSchemas } from "../core/tasks/load-schemas.ts";

/** Stands for `now()` in SQL: the time of the Tickwork whose statement it is in, also in triggers and defaults. */
export const NOW = "current_setting('tickwork.now')::timestamptz";

const SCHEMA = "tickwork_test_";

/** By default a timer reports on a slow start every ten seconds, for ever, and keeps the process alive. */
const START_PARAMS = ["-c", "log_startup_progress_interval=0"];

/** PGlite carries a statement out, whoever still waits for it. */
const NEVER = new AbortController().signal;

/** Not `truncate`: it makes new files, which takes ten times as long. */
const CLEANING = [
  `delete from "baasix_Tasks"`,
  "delete from tickwork_flags",
  "delete from tickwork_requests",
  "delete from tickwork_pauses",
  "delete from tickwork_schedules",
  ...[
    ...["tickwork_limits", "tickwork_declared_limits", "tickwork_lane_news", "tickwork_lane_pools"],
    ...["tickwork_lane_groups", "tickwork_lane_entries", "tickwork_lanes", "tickwork_lane_starts"],
  ].map((table) => `delete from ${table}`),
  `select setval(pg_get_serial_sequence('"baasix_Tasks"', 'id'), 1, false)`,
].map((text): Statement => ({ text }));

interface Server {
  /** A driver for a schema, under a clock. */
  in(schema: string, nowMs: () => number): PostgresDriver;
  /** Schemas that are clean. */
  free: string[];
  made: number;
}

let starting: Promise<Server> | undefined;

/** An empty database of one's own, whose time is that of `nowMs`. Closing it cleans it for the next. */
export async function openDatabase(nowMs: () => number): Promise<PostgresDriver> {
  starting ??= start();
  // A failure, such as a missing package, is not remembered.
  starting.catch(() => {
    starting = undefined;
  });
  const server = await starting;
  const free = server.free.pop();
  const schema = free ?? `${SCHEMA}${++server.made}`;
  const driver = server.in(schema, nowMs);
  if (!free) await prepare(driver, schema);
  return {
    ...driver,
    async close() {
      await driver.transaction(CLEANING, NEVER);
      server.free.push(schema);
    },
  };
}

async function prepare(driver: PostgresDriver, schema: string): Promise<void> {
  await driver.query({ text: `create schema ${schema}` }, NEVER);
  await migrate(withClock(createDatabase(driver, systemClock), NOW), silent);
}

async function start(): Promise<Server> {
  // What is loaded when it is first needed takes real time, of which the clock of a test knows nothing.
  const [db] = await Promise.all([openPglite(), loadSchemas(), loadPostgresGate()]);
  const driver = pgliteDriver(db);
  let set = "";
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other: between the settings and the statement that they are for, nothing else may come. */
  const alone = <T>(schema: string, nowMs: () => number, work: () => Promise<T>): Promise<T> => {
    const done = last.then(async () => {
      const now = new Date(nowMs()).toISOString();
      if (set !== schema + now) {
        const text = "select set_config('search_path', $1, false), set_config('tickwork.now', $2, false)";
        await driver.query({ text, params: [schema, now] }, NEVER);
        set = schema + now;
      }
      return work();
    });
    last = done.catch(() => {});
    return done;
  };
  return {
    free: [],
    made: 0,
    in: (schema, nowMs) => ({
      query: (statement) => alone(schema, nowMs, () => driver.query(statement, NEVER)),
      transaction: (statements) => alone(schema, nowMs, () => driver.transaction(statements, NEVER)),
      close: async () => {},
    }),
  };
}

async function openPglite(): Promise<PGlite> {
  const { PGlite } = await import("@electric-sql/pglite").catch(
    missingPeer("@electric-sql/pglite", "is the Postgres of tickwork/testing"),
  );
  const startParams = [...PGlite.defaultStartParams, ...START_PARAMS];
  const prepared = await loadPrepared();
  return PGlite.create({
    dataDir: "memory://",
    startParams,
    ...(prepared ? { loadDataDir: prepared } : {}),
  });
}

/** An empty database as files, where the package that has it is installed: making one takes some seconds more. */
async function loadPrepared(): Promise<Blob | undefined> {
  const files = await import("@electric-sql/pglite-prepopulatedfs").catch(() => undefined);
  return files?.dataDir();
}
