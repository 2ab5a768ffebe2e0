/** What each filter finds; the list and operations on many tasks agree on it. */
import { expect, test } from "vitest";
import { defineTask, type ListPlace, type TaskFilter, type TaskSort } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

const thrice = defineTask({ type: "thrice", maxAttempts: 3, version: 2, run: async () => {} });
const once = defineTask({ type: "once", run: async () => {} });

/** A row, and what it is called here. */
const ROWS: Record<string, Record<string, unknown>> = {
  failedOnce: { type: "once", task_status: "Error", attempts: 1 },
  failedThrice: { type: "thrice", task_status: "Error", attempts: 3 },
  /** It gave up at its first attempt. */
  gaveUp: { type: "thrice", task_status: "Error", attempts: 1 },
  /** Of five attempts, two were interrupted and one crashed. */
  excused: { type: "thrice", task_status: "Error", attempts: 5, excused: 2, crashes: 1 },
  ownLimit: { type: "once", task_status: "Error", attempts: 2, max_attempts: 5 },
  crashed: { type: "thrice", task_status: "Error", attempts: 3, crashes: 3 },
  cancelled: { type: "once", task_status: "Error", attempts: 1, error_data: { code: "cancelled" } },
  /** As Baasix leaves it. */
  foreign: { type: "once", task_status: "Error", attempts: 0, error_data: "it failed" },
  completed: { type: "once", task_status: "Completed", attempts: 1 },
  waits: { type: "once", task_status: "Not started" },
  needsCode: { type: "unknown", task_status: "Not started" },
  needsVersion: { type: "thrice", task_status: "Not started", version: 3 },
  hasVersion: { type: "thrice", task_status: "Not started", version: 2 },
  later: { type: "unknown", task_status: "Not started", scheduled_time: "2999-01-01T00:00:00Z" },
  old: {
    type: "once",
    task_status: "Completed",
    createdAt: "2020-01-01T00:00:00Z",
    scheduled_time: "2020-01-02T00:00:00Z",
  },
  queued: { type: "once", task_status: "Completed", queue: "mail" },
  keyed: { type: "once", task_status: "Not started", queue: "mail", concurrency_key: "acme/7" },
  ofGroup: { type: "once", task_status: "Not started", concurrency_key: "acme" },
};
const NAMES = Object.keys(ROWS);

const FILTERS: [TaskFilter, string[]][] = [
  [{ dead: true }, ["failedOnce", "failedThrice", "crashed", "foreign"]],
  [{ dead: true, type: "thrice" }, ["failedThrice", "crashed"]],
  [{ dead: true, status: "Error", type: "once" }, ["failedOnce", "foreign"]],
  [{ waiting_for_code: true }, ["needsCode", "needsVersion"]],
  [{ waiting_for_code: true, type: "unknown" }, ["needsCode"]],
  [{ queue: "mail" }, ["queued", "keyed"]],
  [{ queue: "mail", status: "Not started" }, ["keyed"]],
  [{ concurrency_key: "acme" }, ["ofGroup"]],
  [{ concurrency_key: "acme/7", queue: "mail", type: "once" }, ["keyed"]],
  [{ concurrency_key: "acme/7", queue: "other" }, []],
  [{ created_to: "2020-01-01T00:00:01Z" }, ["old"]],
  [{ created_from: "2020-01-01T00:00:00Z", created_to: "2021-01-01T00:00:00Z" }, ["old"]],
  [{ created_from: "2020-01-01T00:00:01Z" }, NAMES.filter((name) => name !== "old")],
  [{ scheduled_from: "2998-01-01T00:00:00Z" }, ["later"]],
  [{ scheduled_from: new Date("2020-01-02T00:00:00Z"), scheduled_to: "2020-01-02T00:00:00.001Z" }, ["old"]],
  [{ scheduled_to: "2020-01-02T00:00:00Z" }, []],
  [{ text: "FAILED", dead: true }, ["foreign"]],
];

describeOnStacks("filters", (bed) => {
  const prepare = async () => {
    const tickwork = bed.make({ doorbell: noteRings(), definitions: [once, thrice] });
    const rows = Object.values(ROWS).map((row) => ({
      scheduled_time: "2026-01-01T00:00:00Z",
      createdAt: "2026-01-01T00:00:00Z",
      attempts: 0,
      excused: 0,
      crashes: 0,
      ...row,
    }));
    await bed.sql(
      `insert into "baasix_Tasks" (type, task_status, scheduled_time, "createdAt", attempts, excused, crashes, max_attempts, version, error_data, queue, concurrency_key)
        select type, task_status, scheduled_time, "createdAt", attempts, excused, crashes, max_attempts, version, error_data, queue, concurrency_key
        from json_populate_recordset(null::"baasix_Tasks", $1)`,
      [JSON.stringify(rows)],
    );
    return tickwork;
  };

  test("find what they say, and operations on many take the same", async () => {
    const { tasks, operator } = await prepare();
    for (const [filter, expected] of FILTERS) {
      const found = await tasks.list({ ...filter, limit: 50 });
      expect(
        found.map(({ id }) => NAMES[id - 1]),
        JSON.stringify(filter),
      ).toEqual(expected.toReversed());
      const { count } = await operator.countBulk({ action: "delete", filter });
      expect(count, JSON.stringify(filter)).toBe(expected.length);
    }
  });

  test("and operations on many work where the table has columns of its own, whatever their names", async () => {
    const { tasks, operator, worker } = await prepare();
    await bed.sql(
      `alter table "baasix_Tasks" add column place text, add column spot text, add column n text`,
    );
    try {
      const named = async (filter: TaskFilter, sort: TaskSort = "-created") =>
        (await tasks.page({ limit: 50, sort, ...filter })).tasks.map(({ id }) => NAMES[id - 1]);
      expect(await named({ created_to: "2020-01-01T00:00:01Z" })).toEqual(["old"]);
      expect(await named({ status: "Not started", queue: "mail" }, "due")).toEqual(["keyed"]);
      expect(await named({ waiting_for_code: true })).toEqual(["needsVersion", "needsCode"]);
      const { id } = await operator.bulk({ action: "delete", filter: { type: "thrice", dead: true } });
      await worker.refresh();
      while ((await tasks.get(id)).task_status !== "Completed") await worker.tick();
      expect(await named({ type: "thrice", dead: true })).toEqual([]);
    } finally {
      await bed.sql(`alter table "baasix_Tasks" drop column place, drop column spot, drop column n`);
    }
  });

  test("page by page, each task comes once", async () => {
    const { tasks } = await prepare();
    const seen: number[] = [];
    for (let after: ListPlace | undefined; ; ) {
      const page = await tasks.page({
        dead: true,
        limit: 1,
        after,
      });
      seen.push(...page.tasks.map(({ id }) => id));
      if (!page.next) break;
      after = page.next;
    }
    expect(seen.map((id) => NAMES[id - 1])).toEqual(["foreign", "crashed", "failedThrice", "failedOnce"]);
  });

  test("what waits for code is what the stats count", async () => {
    const { operator, worker } = await prepare();
    await worker.refresh();
    const { waitingForCode } = await operator.getCacheStats();
    const { count } = await operator.countBulk({ action: "cancel", filter: { waiting_for_code: true } });
    expect(count).toBe(waitingForCode);
    const withoutCache = bed.make({ doorbell: noteRings(), definitions: [once, thrice], withoutRedis: true });
    expect((await withoutCache.operator.getCacheStats()).waitingForCode).toBe(count);
  });
});
