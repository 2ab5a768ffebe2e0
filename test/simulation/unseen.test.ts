/** A day in which refreshes leave Postgres asleep: when it is asked, what is listed, and when tasks start. */
import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "#core";
import { pgliteDriver } from "#drivers";
import { createMemoryRedis } from "#memory-redis";
import { useOf } from "../../scripts/cost.ts";
import { WORK } from "../../scripts/cost-numbers.ts";
import { openWorldDatabase } from "../support/world/database.ts";
import { Deployment } from "../support/world/deployment.ts";
import { RowWatcher } from "../support/world/row-watcher.ts";
import { refreshSeconds } from "../support/world/scenario.ts";
import { CLEANING } from "../support/world/simulate.ts";
import { Story } from "../support/world/story.ts";
import { SimulatedPostgres, SimulatedRedis } from "../support/world/wires.ts";
import { type Process, World } from "../support/world/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const IDLE_MS = WORK.neonIdleSeconds * 1000;

/** Notes when it was asked. */
class NotedPostgres extends SimulatedPostgres {
  readonly askedAtMs: number[] = [];

  override connect(process: Process): Database {
    const { query, transaction } = super.connect(process);
    return {
      query: (...given) => {
        this.askedAtMs.push(this.nowMs());
        return query(...given);
      },
      transaction: (...given) => {
        this.askedAtMs.push(this.nowMs());
        return transaction(...given);
      },
    };
  }
}

let db: PGlite;
beforeAll(async () => {
  db = await openWorldDatabase();
});
afterAll(() => db.close());

const open = async (unseenSeconds: number) => {
  const world = new World(1);
  for (const text of CLEANING) await db.query(text);
  const postgres = new NotedPostgres(world, pgliteDriver(db), 0);
  const memory = createMemoryRedis({ now: () => world.nowMs });
  const redis = new SimulatedRedis(world, memory);
  const watcher = new RowWatcher(world, postgres, { slots: 1, startMs: undefined });
  const deployment = new Deployment(world, postgres, redis, watcher, {
    env: {
      TASK_LIST_REFRESH_INTERVAL: String(refreshSeconds),
      TASK_MAX_UNSEEN_TIME: String(unseenSeconds),
    },
    invocationMs: 900_000,
    mixed: false,
    skewMs: () => 0,
  });
  const story = new Story({ world, deployment, postgres, redis, memory, watcher });
  await story.begin();
  const beganMs = world.nowMs;
  const call: Deployment["call"] = async (...given) => {
    const answer = deployment.call(...given);
    let done = false;
    void answer.finally(() => {
      done = true;
    });
    await world.runUntil(world.nowMs + MINUTE_MS, () => done);
    return answer;
  };
  const at = (ms: number) => new Date(beganMs + ms);
  return {
    world,
    postgres,
    redis,
    containers: deployment.containers,
    /** Lets time pass until so long after the beginning. */
    until: (ms: number) => world.runUntil(beganMs + ms),
    create: (dueMs: number) =>
      call(({ tasks }) => tasks.create([{ type: "work", scheduled_time: at(dueMs) }])),
    insert: (dueMs: number) =>
      world.real(() =>
        postgres.runForeign(`insert into "baasix_Tasks" (type, scheduled_time) values ('work', $1)`, [
          at(dueMs).toISOString(),
        ]),
      ),
    listed: async () =>
      (await call(({ operator }) => operator.getNotStartedTasks()))?.value.map(({ id }) => id),
    /** How late each task started that has, by its id, in seconds. */
    lateness: async () => {
      const rows = await world.real(() =>
        postgres.run(`select id, extract(epoch from started_at - scheduled_time) as late
          from "baasix_Tasks" where started_at is not null order by id`),
      );
      return new Map(rows.map(({ id, late }) => [Number(id), Number(late)]));
    },
  };
};

const awakeMinutes = (askedAtMs: readonly number[]): number => {
  let awakeMs = 0;
  for (const [n, atMs] of askedAtMs.entries())
    awakeMs += Math.min(IDLE_MS, (askedAtMs[n + 1] ?? Number.POSITIVE_INFINITY) - atMs);
  return awakeMs / MINUTE_MS;
};

test.each([
  [600, 720],
  [3_600, 120],
  [14_400, 30],
])(
  "with TASK_MAX_UNSEEN_TIME=%i, an idle Postgres is awake for %i minutes a day",
  async (unseenSeconds, minutes) => {
    const { until, postgres } = await open(unseenSeconds);
    await until(DAY_MS);
    expect(awakeMinutes(postgres.askedAtMs)).toBe(minutes);
    expect(Math.round((useOf(0, { unseenSeconds }).awakeHours * 60) / 30)).toBe(minutes);
  },
);

describe("with TASK_MAX_UNSEEN_TIME=14400", () => {
  test("tasks start when they are due, however far ahead they were created, and Postgres is not asked before", async () => {
    const { until, create, postgres, lateness } = await open(14_400);
    await until(MINUTE_MS);
    const dueHours = [0.5, 3.5, 5, 8.1, 9];
    for (const hours of dueHours) await create(hours * HOUR_MS);
    await until(11 * HOUR_MS);
    const late = await lateness();
    expect([...late.keys()]).toEqual([1, 2, 3, 4, 5]);
    for (const seconds of late.values()) expect(seconds).toBeLessThan(2);
    // A creation each; a claim and a settle each; a read every four hours.
    expect(postgres.askedAtMs.length).toBeLessThanOrEqual(3 * dueHours.length + 3);
  });

  test("what is due within four hours is listed at any time", async () => {
    const { until, create, listed } = await open(14_400);
    const dueMs = [4.5, 5, 6.5, 7.9, 8.2, 9].map((hours) => hours * HOUR_MS);
    for (const ms of dueMs) await create(ms);
    for (let ms = 5 * MINUTE_MS; ms < 10 * HOUR_MS; ms += 23 * MINUTE_MS) {
      await until(ms);
      const expected = dueMs.flatMap((due, n) => (due > ms && due <= ms + 4 * HOUR_MS ? [n + 1] : []));
      expect(await listed(), `after ${ms / MINUTE_MS} minutes`).toEqual(expected);
    }
  });

  test("a row of another program is seen within that time, and starts then", async () => {
    const { until, insert, lateness, listed } = await open(14_400);
    await until(30 * MINUTE_MS);
    await insert(HOUR_MS);
    await insert(7 * HOUR_MS);
    await until(3 * HOUR_MS);
    expect(await listed()).toEqual([]);
    await until(30 * MINUTE_MS + 4 * HOUR_MS);
    expect(await listed()).toEqual([2]);
    await until(8 * HOUR_MS);
    const late = await lateness();
    expect(late.get(1)).toBeLessThan(3.1 * 3_600);
    expect(late.get(2)).toBeLessThan(2);
  });

  test("a task that Redis did not take starts when it is due, though refreshes have looked meanwhile", async () => {
    const { until, create, redis, containers, lateness } = await open(14_400);
    await until(25 * MINUTE_MS);
    redis.up = false;
    await create(2 * HOUR_MS);
    await until(27 * MINUTE_MS);
    redis.up = true;
    // None of those that saw it fail is there any more.
    for (const { process } of containers) process.kill();
    await until(3 * HOUR_MS);
    expect((await lateness()).get(1)).toBeLessThan(61);
  });
});
