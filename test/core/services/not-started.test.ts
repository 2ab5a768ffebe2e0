import { expect, test } from "vitest";
import type { Task } from "#core";
import { ANSWER_LIMIT_BYTES } from "../../../packages/core/limits.ts";
import type { NotStartedPage } from "../../../packages/core/services/not-started.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting } from "../../support/bed/tasks.ts";

const KIB = 1024;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const idsOf = (tasks: readonly Task[]) => tasks.map(({ id }) => id);

describeOnStacks("the pages of the waiting tasks", (bed) => {
  const make = (cached: boolean) =>
    bed.make({ doorbell: noteRings(), definitions: [noting().definition], withoutRedis: !cached });

  async function pagesOf(
    page: (given: { after?: NotStartedPage["next"]; limit: number }) => Promise<NotStartedPage>,
    limit: number,
  ): Promise<Task[][]> {
    const pages: Task[][] = [];
    let after: NotStartedPage["next"];
    do {
      const { tasks, next } = await page({ after, limit });
      pages.push(tasks);
      after = next;
    } while (after);
    return pages;
  }

  test.each([
    [true, "from the cache"],
    [false, "from Postgres alone"],
  ])("have every task once, by due time and then by id (cached: %s, %s)", async (cached) => {
    const { tasks, operator, worker } = make(cached);
    const times = [3, 1, 2, 2, 2, 1].map(inMinutes);
    await tasks.create(times.map((time) => ({ type: "note", scheduled_time: time })));
    await worker.refresh();
    const pages = await pagesOf(operator.pageNotStarted, 2);
    const wanted = [2, 6, 3, 4, 5, 1];
    // Those of a minute were made at different milliseconds, or at the same one: then the id decides.
    expect(idsOf(pages.flat())).toEqual(wanted);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 2]);
    expect(idsOf(await operator.getNotStartedTasks())).toEqual(wanted);
  });

  test("end by bytes as well as by count, and no answer of Postgres is larger", async () => {
    const { tasks, operator, worker } = make(true);
    const large = (id: number) => ({ large: id, text: "\u{1F680}".repeat(50 * KIB) });
    for (let id = 1; id <= 40; id++)
      await tasks.create([
        { type: "note", scheduled_time: inMinutes(id), task_data: id % 2 ? large(id) : { small: id } },
      ]);
    await worker.refresh();
    const pages = await pagesOf(operator.pageNotStarted, 1_000);
    expect(idsOf(pages.flat())).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) {
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(ANSWER_LIMIT_BYTES + 40);
      expect(page.length).toBeGreaterThan(1);
    }
    bed.counts.reset();
    const all = await operator.getNotStartedTasks();
    expect(all.map(({ task_data }) => Object.keys(task_data as object)[0])).toEqual(
      Array.from({ length: 40 }, (_, n) => (n % 2 ? "small" : "large")),
    );
    // 20 rows of 200 KB in answers of three megabytes.
    expect(bed.counts.postgres).toBe(2);
  });

  test("a task that is larger than a page has one of its own", async () => {
    const { tasks, operator } = make(true);
    await tasks.create([1, 2, 3].map((n) => ({ type: "note", scheduled_time: inMinutes(n) })));
    await bed.sql(
      `update "baasix_Tasks" set task_data = to_json(repeat('x', ${ANSWER_LIMIT_BYTES})) where id = 2`,
    );
    await operator.forceRefresh();
    expect((await pagesOf(operator.pageNotStarted, 10)).map(idsOf)).toEqual([[1], [2], [3]]);
  });

  test("one that was deleted meanwhile is left out, and the page goes on", async () => {
    const { tasks, operator } = make(true);
    const data = "x".repeat(5 * KIB);
    await tasks.create(
      [1, 2, 3].map((n) => ({ type: "note", scheduled_time: inMinutes(n), task_data: data })),
    );
    await operator.forceRefresh();
    await bed.sql(`delete from "baasix_Tasks" where id = 2`);
    expect((await pagesOf(operator.pageNotStarted, 2)).map(idsOf)).toEqual([[1], [3]]);
  });

  test("never fail: when nothing answers there is nothing", async () => {
    const { operator } = make(true);
    bed.faults.postgres = () => {
      throw Object.assign(new Error("no room"), { code: "53100" });
    };
    bed.faults.redis = () => {
      throw new Error("connection refused");
    };
    expect(await operator.pageNotStarted({ limit: 10 })).toEqual({ tasks: [] });
  });
});
