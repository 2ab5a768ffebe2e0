/** Whose turn it is, where tasks of a group stand in several queues, and some of them are held back. */
import { expect, test } from "vitest";
import type { NewTask } from "#core";
import { LANES_FOLDED, LANES_LOOKED, LANES_PUT_RIGHT } from "../../../packages/core/lane-limits.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting } from "../../support/bed/tasks.ts";

const CLAIM = "tickwork_claim_laned(now(), 0, 1, 'token', 60000, 3, array['note'])";
/** A claim with thousands of queues reads no more than one with a few. */
const QUEUES = 2_000;
const PAGES = 200;
/** Sooner than a tick looks again for what others are to see. */
const RATE_SECONDS = 10;

describeOnStacks("turns", (bed) => {
  const make = () => bed.make({ doorbell: noteRings(), definitions: [noting("note").definition] });
  const times = (n: number, task: Partial<NewTask>): NewTask[] =>
    Array.from({ length: n }, () => ({ type: "note", ...task }));
  const ago = (seconds: number) => ({ scheduled_time: new Date(Date.now() - seconds * 1_000) });
  const finish = () =>
    bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where task_status = 'Running'`);
  /** The queues and keys of the next tasks that start, each finished at once. */
  const starts = async (n: number) => {
    const found: string[] = [];
    for (let i = 0; i < n; i++) {
      const [row] = await bed.sql<{ name: string | null }>(
        `select (task->>'queue') || ':' || (task->>'concurrency_key') as name from ${CLAIM}`,
      );
      if (row?.name) found.push(row.name);
      await finish();
    }
    return found;
  };

  /** Beside many other queues, a claim looks at the next lanes before it looks at all queues. */
  const beside = [
    ["", 0],
    [", beside many queues", LANES_LOOKED + 1],
  ] as const;
  const makeBeside = async (others: number) => {
    const made = make();
    const tomorrow = new Date(Date.now() + 86_400_000);
    for (let n = 0; n < others; n++)
      await made.tasks.create([{ type: "note", queue: `other-${n}`, scheduled_time: tomorrow }]);
    return made;
  };

  test.each(beside)("turns that were taken before something was held back count%s", async (_, others) => {
    const { tasks, operator } = await makeBeside(others);
    await tasks.create([
      ...times(4, { queue: "x", concurrency_key: "a", ...ago(60) }),
      ...times(2, { queue: "z", concurrency_key: "a" }),
      ...times(8, { queue: "x", concurrency_key: "b" }),
      ...times(8, { queue: "y", concurrency_key: "c" }),
    ]);
    await operator.putLimit({ concurrency_key: "a" }, { weight: 100 });
    expect(await starts(6)).toEqual(["x:a", "x:b", "y:c", "x:a", "x:a", "x:a"]);
    // Their turns are 0.04, 1 and 1. What is known of the first in its other queue is from before all of them.
    await operator.pause({ queue: "x" });
    expect(await starts(5)).toEqual(["z:a", "z:a", "y:c", "y:c", "y:c"]);
    await operator.resume({ queue: "x" });
    // It has saved up no turns meanwhile.
    expect(await starts(5)).toEqual(["x:b", "x:b", "y:c", "x:b", "y:c"]);
  });

  test.each(beside)("each group takes its turn where most are held back%s", async (_, others) => {
    const { tasks, operator } = await makeBeside(others);
    const keys = ["a", "b", "c", "d", "e", "f"];
    await tasks.create(
      keys.flatMap((key) => [
        ...times(2, { queue: "full", concurrency_key: key }),
        ...times(2, { queue: `own-${key}`, concurrency_key: key }),
        ...times(2, { queue: "free", concurrency_key: key }),
      ]),
    );
    const groupsOf = (found: string[]) => new Set(found.map((name) => name.split(":")[1]));
    expect(groupsOf(await starts(6))).toEqual(new Set(keys));
    await operator.pause({ queue: "full" });
    expect(groupsOf(await starts(6))).toEqual(new Set(keys));
    expect(groupsOf(await starts(6))).toEqual(new Set(keys));
    await operator.resume({ queue: "full" });
    expect(groupsOf(await starts(6))).toEqual(new Set(keys));
  });

  test("what waits for other code does not hide when one's own may start", async () => {
    const doorbell = noteRings();
    const { tasks, operator, worker } = bed.make({ doorbell, definitions: [noting("note").definition] });
    const others = bed.make({ doorbell: noteRings(), definitions: [noting("other").definition] });
    await operator.putLimit({ queue: "rated" }, { rate: { starts: 1, period_seconds: RATE_SECONDS } });
    await others.tasks.create([{ type: "other", queue: "rated" }]);
    await tasks.create(times(2, { queue: "rated" }));
    expect(await worker.tick()).toMatchObject({ completed: 1, ended: "unclaimable" });
    expect(Math.min(...doorbell.rings.map(({ afterMs = Infinity }) => afterMs))).toBeLessThanOrEqual(
      RATE_SECONDS * 1_000,
    );
  });

  /** More than one claim puts right, and more than it could look at one by one. */
  const MANY = LANES_PUT_RIGHT + 1_000;
  test.each([
    ["were ended", `update "baasix_Tasks" set task_status = 'Completed' where concurrency_key is not null`],
    [
      "were postponed",
      `update "baasix_Tasks" set scheduled_time = now() + interval '1 day' where concurrency_key is not null`,
    ],
    [
      "have keys that started enough",
      `with rate as (insert into tickwork_limits (kind, name, rate, period_seconds, burst, updated_at, starts, span)
          values ('concurrency_key', '*', 1, 3600, false, now(), 1, interval '1 hour'))
        insert into tickwork_lane_starts select distinct 'concurrency_key', key, array[now()] from tickwork_lanes where key <> ''`,
    ],
  ])("thousands of lanes whose tasks %s hold nobody up", async (_, change) => {
    const { tasks, worker } = make();
    await bed.sql(`insert into "baasix_Tasks" (type, scheduled_time, concurrency_key)
      select 'note', now() - interval '1 hour', 'k' || n from generate_series(1, ${MANY}) n`);
    // So much of the news is folded in at once.
    await starts(Math.ceil(MANY / LANES_FOLDED));
    await bed.sql(change);
    const [plain] = await tasks.create([{ type: "note" }]);
    await worker.refresh();
    bed.counts.reset();
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect((await tasks.get(plain?.id ?? 0)).task_status).toBe("Completed");
    expect(bed.counts.postgres).toBeLessThan(10);
    await bed.sql("delete from tickwork_lane_starts");
  });

  test.each([
    ["", ""],
    [
      ", where the next is paused",
      "insert into tickwork_pauses (kind, name, created_at) values ('queue', 'q1', now())",
    ],
    [
      ", where the next has started enough",
      `with rate as (insert into tickwork_limits (kind, name, rate, period_seconds, burst, updated_at, starts, span)
          values ('queue', 'q1', 1, 3600, false, now(), 1, interval '1 hour'))
        insert into tickwork_lane_starts values ('queue', 'q1', array[now()])`,
    ],
  ])("thousands of queues take no longer than a few%s", async (_, hold) => {
    if (hold) await bed.sql(hold);
    await bed.sql(`insert into "baasix_Tasks" (type, scheduled_time, queue)
      select 'note', now() - interval '1 hour' + n * interval '1 ms', 'q' || n % ${QUEUES} from generate_series(1, ${2 * QUEUES}) n`);
    await bed.sql(`select from ${CLAIM}`);
    await finish();
    await bed.sql(`select from ${CLAIM}`);
    await finish();
    const plan = await bed.sql<{ "QUERY PLAN": string }>(`explain (analyze, buffers) select * from ${CLAIM}`);
    const pages = Number(/hit=(\d+)/.exec(plan.map((line) => line["QUERY PLAN"]).join())?.[1]);
    expect(pages).toBeLessThan(PAGES);
    await bed.sql("delete from tickwork_lane_starts");
  });
});
