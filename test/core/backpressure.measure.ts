/** A million tasks are due and one worker works: what everybody else notices of it. Times are compared within one run. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApp } from "#api";
import { defineTask, systemClock } from "#core";
import { median } from "../../scripts/median.ts";
import { type MadeTickwork, openTestBed, type TestBed } from "../support/bed/bed.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { eventually } from "../support/eventually.ts";

const KEY = "the-key-of-the-test";
/** As many as the cache takes. */
const FEW = 10_000;
/** The oldest ones are done, on both sides. */
const FINISHED = 100;
/** What a handler waits, in milliseconds: for something else, as handlers do. */
const WORK_MS = 5;
/** What a task may leave behind in the worker's heap: a collection does not find everything at once. */
const LEFT_BYTES = 300;
/** Whatever else the machine does, it does not do it to the same one of two that alternate in each of so many rounds. */
const ROUNDS = 3;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const heapBytes = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

/** How many times as long `one` takes as `other`, at the median; the two alternate. `otherwise` prepares for the other. */
async function ratio(
  times: number,
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
  otherwise: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
) {
  const took: [number[], number[]] = [[], []];
  const timed = (index: number, work: () => Promise<unknown>) => async () => {
    const began = performance.now();
    await work();
    took[index]?.push(performance.now() - began);
  };
  for (let n = 0; n < times; n++) {
    await timed(0, one)();
    await otherwise(timed(1, other));
  }
  return median(took[0]) / median(took[1]);
}

/** The best of some rounds; a real difference is there in all of them. */
async function leastRatio(limit: number, measure: () => Promise<number>) {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && least > limit; round++) least = Math.min(least, await measure());
  return least;
}

eachStack("backpressure", (kind) => {
  // The embedded Postgres takes long to make a million rows; a tenth shows it.
  const many = kind === "embedded" ? 100_000 : 1_000_000;

  interface Side {
    bed: TestBed;
    tickwork: MadeTickwork;
    call(method: string, path: string, body?: unknown): Promise<unknown>;
  }
  let ran = 0;
  let waitMs = WORK_MS;
  /** Where the worker stands still, when it is to. */
  let barrier: Promise<void> | undefined;
  let standing = false;
  const brief = defineTask({
    type: "brief",
    run: async () => {
      await systemClock.sleep(waitMs);
      standing = barrier !== undefined;
      await barrier;
      standing = false;
      ran++;
    },
  });
  /** Does something while the worker stands still, as if nothing were due. */
  const inPeace = async <T>(work: () => Promise<T>): Promise<T> => {
    let goOn = () => {};
    barrier = new Promise((resolve) => {
      goOn = resolve;
    });
    await eventually(() => standing);
    try {
      return await work();
    } finally {
      barrier = undefined;
      const before = ran;
      goOn();
      await eventually(() => ran > before);
    }
  };
  const open = async (rows: number, dueFrom: string): Promise<Side> => {
    const bed = await openTestBed(kind);
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    await bed.sql(`insert into "baasix_Tasks" (type, scheduled_time, task_data, rev)
      select 'brief', ${dueFrom} + n * interval '1 millisecond', '{"to":"somebody"}', 1 from generate_series(1, ${rows}) n`);
    await bed.sql(
      `update "baasix_Tasks" set task_status = 'Completed', finished_at = now() where id <= ${FINISHED}`,
    );
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
    await bed.sql(`analyze "baasix_Tasks"`);
    const tickwork = bed.make({ doorbell: noteRings(), definitions: [brief] });
    const app = createApp({ ...tickwork, config: { apiKey: KEY } });
    const call = async (method: string, path: string, body?: unknown) => {
      const response = await app.request(path.replace("last", String(rows)), {
        method,
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return response.json();
    };
    await tickwork.worker.refresh();
    return { bed, tickwork, call };
  };

  let busy: Side;
  let calm: Side;
  let ticking: Promise<unknown>;
  beforeAll(async () => {
    calm = await open(FEW, "now() + interval '1 hour'");
    busy = await open(many, "now() - interval '1 hour'");
  }, 180_000);
  afterAll(async () => {
    await Promise.all([calm.bed.close(), busy.bed.close()]);
  }, 60_000);

  test("a refresh takes at most 1.3 times what it takes with ten thousand due", async () => {
    await calm.bed.sql(`update "baasix_Tasks" set scheduled_time = scheduled_time - interval '2 hours'`);
    const refresh = ({ tickwork }: Side) => tickwork.worker.refresh();
    await refresh(calm);
    const least = await leastRatio(1.3, () =>
      ratio(
        7,
        () => refresh(busy),
        () => refresh(calm),
      ),
    );
    console.log(`${kind}: a refresh with ${many} due takes ${least.toFixed(2)} times that with ${FEW} due`);
    expect(least).toBeLessThanOrEqual(1.3);
    await calm.bed.sql(`update "baasix_Tasks" set scheduled_time = scheduled_time + interval '2 hours'`);
    await refresh(calm);
  }, 120_000);

  test("the API answers in the time that it takes with none due, at most 1.5 times, the list of what waits twice", async () => {
    ticking = busy.tickwork.worker.tick();
    await eventually(() => ran > 0);
    // While a task runs the list of those that wait comes from Postgres; so that it does on both sides.
    await calm.bed.redis("SET", `{${calm.bed.prefix}}:flag:0`, "somebody", "PX", 300_000);
    const later = new Date(Date.now() + 3 * 3_600_000).toISOString();
    const requests: [string, string, unknown?][] = [
      ["POST", "/tasks", { type: "brief", scheduled_time: later }],
      ["POST", "/tasks", Array.from({ length: 100 }, () => ({ type: "brief", scheduled_time: later }))],
      ["GET", "/tasks/last"],
      ["PATCH", "/tasks/last", { task_data: { to: "somebody else" } }],
      ["GET", "/tasks?limit=50"],
      ["GET", "/tasks?status=Not%20started&type=brief&limit=50"],
      ["GET", "/tasks?status=Completed&limit=50"],
      ["GET", "/tasks?status=Running"],
      ["GET", "/tasks/not-started"],
      ["GET", "/tasks/running"],
      ["GET", "/tasks/stats"],
      ["GET", "/health/tasks"],
    ];
    const ratios: Record<string, string> = {};
    const slow: string[] = [];
    for (const [method, path, body] of requests) {
      // Its list begins where the worker has just left the rows that ended.
      const limit = path === "/tasks/not-started" ? 2 : 1.5;
      const least = await leastRatio(limit, () =>
        ratio(
          25,
          () => busy.call(method, path, body),
          () => calm.call(method, path, body),
          inPeace,
        ),
      );
      const what = `${method} ${path}${Array.isArray(body) ? `, ${body.length} tasks` : ""}`;
      ratios[what] = least.toFixed(2);
      if (least > limit) slow.push(`${what}: ${least}`);
    }
    console.log(`${kind}, ${many} due and a worker, by none due:`, ratios);
    expect(slow).toEqual([]);
  }, 120_000);

  test("the memory of the worker stays as it is", async () => {
    const tasksRun = async (count: number) => {
      const until = ran + count;
      await eventually(() => ran >= until, { limitMs: 60_000 });
    };
    waitMs = 0;
    await tasksRun(500);
    const before = heapBytes();
    await tasksRun(5_000);
    const left = (heapBytes() - before) / 5_000;
    console.log(`${kind}: ${left.toFixed(0)} bytes of heap a task, over 5,000 tasks`);
    expect(left).toBeLessThanOrEqual(LEFT_BYTES);
    await busy.tickwork.stop();
    await ticking;
  }, 120_000);
});
