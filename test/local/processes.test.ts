/** Several processes on the same servers, as in containers: what one is given, the others are on time for. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect } from "#connect";
import { type PostgresDriver, type RedisDriver, silent, type Task } from "#core";
import { openIoredis, openPg } from "#drivers";
import { prefixOf } from "../../packages/core/gate/prefix.ts";
import { keysOf } from "../../packages/core/gate/scripts/keys.ts";
import { createDatabase, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import { inMs } from "../support/bed/look.ts";
import { killAll, startServerProcess } from "../support/bed/process.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { startProcess } from "../support/chaos/own-process.ts";
import { eventually } from "../support/eventually.ts";

const ENQUEUES_IN_TRANSACTION = join(import.meta.dirname, "../support/connect/transaction-command.ts");
/** What the start of a task may be late by. */
const LATE_MS = 100;
/** This machine may be busy at the moment when a task is due: so often it is measured at most. */
const MEASUREMENTS = 4;
/** Between the commit of a task that is due and its start, with the request that posts it. */
const AT_ONCE_MS = 1_000;

describe.skipIf(!serversAnswer)("processes on the same servers", () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let postgres: PostgresDriver;
  let redis: RedisDriver;
  beforeAll(async () => {
    database = await createDatabase();
    postgres = await openPg(database.url);
    redis = await openIoredis(redisServerUrl);
  });
  afterEach(async () => {
    await killAll();
    await sql(`truncate "baasix_Tasks", tickwork_flags`);
    await redis.call(["DEL", ...keysOf(prefixOf(database.url), 1)]);
  });
  afterAll(async () => {
    await postgres?.close();
    await redis?.close();
    await database?.drop();
  });

  const sql = async <Row = Record<string, unknown>>(text: string, params: unknown[] = []) =>
    (await postgres.query({ text, params }, new AbortController().signal)) as Row[];
  const start = (env: Record<string, string> = {}) =>
    startServerProcess({
      DATABASE_URL: database.url,
      CACHE_REDIS_URL: redisServerUrl,
      DATA_DIR: temporaryFolder(),
      API_KEY: "shared",
      // Nobody refreshes in time.
      TASK_LIST_REFRESH_INTERVAL: "10800",
      ...env,
    });
  const cleanup = { type: "cleanup", task_data: { older_than_days: 30 } };
  const ended = (id: number) =>
    eventually(async () => {
      const [row] = await sql<{ late: number; waited: number }>(
        `select extract(epoch from started_at - scheduled_time)::float8 * 1000 as late,
           extract(epoch from started_at - "createdAt")::float8 * 1000 as waited
         from "baasix_Tasks" where id = $1 and task_status = 'Completed'`,
        [id],
      );
      return row;
    });
  /** Whether a measurement keeps its limit: again and again while this machine is in the way, a bounded number of times. */
  const expectWithin = async (limitMs: number, measure: () => Promise<number>) => {
    const measured: number[] = [];
    while (!measured.some((ms) => ms <= limitMs) && measured.length < MEASUREMENTS)
      measured.push(await measure());
    expect(Math.min(...measured), `measured ${measured.join(", ")} ms`).toBeLessThanOrEqual(limitMs);
  };

  test.each([
    ["with a Redis", 5_000, {}],
    ["with a cache each", 2_000, { CACHE_REDIS_URL: "" }],
    ["without a cache", 2_000, { CACHE_ENABLED: "false" }],
  ])("start on time what was posted to one that was killed since: %s", async (_, dueMs, env) => {
    await start(env as Record<string, string>);
    await expectWithin(LATE_MS, async () => {
      const poster = await start(env as Record<string, string>);
      const { body } = await poster.call<Task>("POST", "/tasks", { ...cleanup, scheduled_time: inMs(dueMs) });
      poster.kill("SIGKILL");
      await poster.ended;
      return (await ended(body.id)).late;
    });
  });

  test.each([
    ["with a Redis", {}],
    ["with a cache each", { CACHE_REDIS_URL: "" }],
  ])("start at once what a transaction enqueued whose process died with its commit: %s", async (_, env) => {
    await start(env as Record<string, string>);
    await start(env as Record<string, string>);
    let last = 0;
    const waited = async () => {
      const [row] = await eventually(async () => {
        const rows = await sql<{ id: number }>(`select id::int from "baasix_Tasks" where id > $1`, [last]);
        return rows.length > 0 && rows;
      });
      last = row?.id ?? 0;
      return (await ended(last)).waited;
    };
    await expectWithin(AT_ONCE_MS, async () => {
      const { ended: died } = startProcess(process.execPath, ["--import", "tsx", ENQUEUES_IN_TRANSACTION], {
        env: { PATH: process.env.PATH, DATABASE_URL: database.url },
      });
      await died;
      return waited();
    });
    await expectWithin(AT_ONCE_MS, async () => {
      await sql(`select tickwork.enqueue('cleanup', '{"older_than_days": 30}')`);
      return waited();
    });
  });

  test("start at once what one leaves that shuts down", async () => {
    const requests: (() => void)[] = [];
    const slow = createServer((_, response) => void requests.push(() => response.end("finally")));
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
    const leaving = await start({ TASK_SHUTDOWN_WAIT_TIME: "0" });
    const { body } = await leaving.call<Task>("POST", "/tasks", { type: "http_request", task_data: { url } });
    await eventually(() => requests.length === 1);
    // It finds the task running, and would look again when the lease could have ended.
    await start();
    leaving.kill("SIGTERM");
    expect(await leaving.ended).toBe(0);
    (await eventually(() => requests[1], { limitMs: AT_ONCE_MS }))();
    await ended(body.id);
    slow.closeAllConnections();
    slow.close();
  });

  test("start at once what a process enqueues that runs nothing, and when it is due what is for later", async () => {
    await Promise.all([start(), start()]);
    for (const redisUrl of [redisServerUrl, undefined]) {
      const tickwork = connect({ databaseUrl: database.url, redisUrl, log: silent });
      await expectWithin(AT_ONCE_MS, async () => {
        const { id } = await tickwork.enqueue("cleanup", cleanup.task_data);
        return (await ended(id)).waited;
      });
      await expectWithin(LATE_MS, async () => {
        const { id } = await tickwork.enqueue("cleanup", cleanup.task_data, { at: inMs(1_000) });
        return (await ended(id)).late;
      });
      await tickwork.close();
    }
  });

  test("look for what they missed while the connection was gone by which they hear", async () => {
    const server = await start();
    const listeners =
      "select pid from pg_stat_activity where datname = current_database() and query = 'LISTEN tickwork'";
    for (let times = 1; times <= 2; times++) {
      const [heard] = await eventually(async () => {
        const pids = await sql<{ pid: number }>(listeners);
        return pids.length > 0 && pids;
      });
      // Two tasks that nobody is told of, at the same moment as the connection ends.
      const rows = await sql<{ id: string }>(
        `with gone as (select pg_terminate_backend($1))
         insert into "baasix_Tasks" (task_status, type, task_data, scheduled_time)
         select 'Not started', 'cleanup', '{"older_than_days": 30}'::jsonb, now() + after
         from gone, (values (interval '0'), (interval '2 seconds')) as due (after) returning id`,
        [heard?.pid],
      );
      const [now, later] = await Promise.all(rows.map(({ id }) => ended(Number(id))));
      expect(now?.late).toBeLessThan(2_000);
      expect(later?.late).toBeLessThan(AT_ONCE_MS);
    }
    expect(server.output()).toMatch(
      /warn +other processes are not heard .*\n[\s\S]*other processes are heard again/,
    );
  });
});
