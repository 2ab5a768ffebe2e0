/** What is shown of the whole: counts, the last hours and the next ones, types, and what a search finds. */
import * as v from "valibot";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { defineTask, foreignTask, lazyTask } from "#core";
import { SEARCH_SCAN } from "../../../packages/core/limits.ts";
import { type MadeTickwork, openTestBed, type TestBed } from "../../support/bed/bed.ts";
import { eachStack } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

eachStack("insight", (kind) => {
  let bed: TestBed;
  let tickwork: MadeTickwork;
  const schema = v.object({ to: v.string() });
  beforeAll(async () => {
    bed = await openTestBed(kind);
    tickwork = bed.make({
      doorbell: noteRings(),
      definitions: [
        defineTask({ type: "mail", data: schema, maxAttempts: 3, timeoutSeconds: 60, run: async () => {} }),
        lazyTask({
          type: "report",
          load: async () => defineTask({ type: "report", data: schema, run: async () => {} }),
        }),
        defineTask({ type: "short", batch: { size: 7 }, run: async () => {} }),
        foreignTask({ type: "theirs" }),
      ],
    });
  });
  afterEach(() => bed.clear());
  afterAll(() => bed.close());

  /** Rows as they are, with what no trigger has touched. */
  const put = async (columns: string, values: string) => {
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    await bed.sql(`insert into "baasix_Tasks" (rev, ${columns}) ${values}`);
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
  };

  test("an overview counts by status, and by when tasks ended and will be due", async () => {
    await put(
      "type, task_status, scheduled_time, finished_at, lateness",
      `select 1, 'mail', s::"enum_baasix_Tasks_task_status", at, case when s in ('Completed', 'Error') then at end, late::jsonb
      from (values
        ('Completed', now() - interval '1 minute', null),
        ('Completed', now() - interval '1 minute', '{"ms": 4000, "reason": "flag_held"}'),
        ('Error', now() - interval '59 minutes', null),
        ('Completed', now() - interval '61 minutes', null),
        ('Not started', now() - interval '1 minute', null),
        ('Not started', now() + interval '2 minutes', null),
        ('Not started', now() + interval '239 minutes', null),
        ('Not started', now() + interval '241 minutes', null)) one (s, at, late)`,
    );
    const { counts, flag, finished, upcoming } = await tickwork.insight.getOverview({ minutes: 60 });
    expect(counts).toEqual({
      "Not started": { count: 4, exact: true },
      Running: { count: 0, exact: true },
      Completed: { count: 3, exact: true },
      Error: { count: 1, exact: true },
    });
    expect([flag, finished.bucket_seconds, finished.counted_since]).toEqual([{ held_by: null }, 75, null]);
    expect(finished.buckets).toHaveLength(48);
    expect(finished.buckets.at(-1)).toEqual({ completed: 2, failed: 0, late: 1, latest_ms: 4000 });
    expect(finished.buckets[0]).toEqual({ completed: 0, failed: 1, late: 0, latest_ms: 0 });
    expect(finished.buckets.reduce((sum, one) => sum + one.completed + one.failed, 0)).toBe(3);
    expect(upcoming).toMatchObject({ bucket_seconds: 300, overdue: 1, cut: false });
    expect([upcoming.buckets[0], upcoming.buckets.at(-1)]).toEqual([1, 1]);
    expect(upcoming.buckets.reduce((sum, count) => sum + count, 0)).toBe(2);
  });

  test("it is one request to each server, says who holds the flag, and says what it did not count", async () => {
    await tickwork.operator.setTaskRunning(true);
    await put(
      "type, task_status, finished_at",
      `select 1, 'mail', 'Error', now() - n * interval '10 ms' from generate_series(1, 10100) n`,
    );
    await bed.sql(`analyze "baasix_Tasks"`);
    bed.counts.reset();
    const { counts, flag, finished } = await tickwork.insight.getOverview({ minutes: 60 });
    expect([bed.counts.postgres, bed.counts.redis]).toEqual([1, 1]);
    expect(flag.held_by).toBe("operator");
    expect(counts.Error.exact).toBe(false);
    expect(counts.Error.count).toBeGreaterThan(10_000);
    expect(counts.Error.count).toBeLessThan(10_300);
    expect(Date.parse(finished.counted_since ?? "")).toBeGreaterThan(Date.now() - 600_000);
    await tickwork.operator.setTaskRunning(false);
  });

  test("types are those that are registered and those that tasks have, page by page", async () => {
    await put(
      "type, task_status, started_at, finished_at",
      `select 1, type, s::"enum_baasix_Tasks_task_status", now() - interval '2 s', case when s <> 'Not started' then now() end
      from (values ('mail', 'Completed'), ('mail', 'Error'), ('gone', 'Not started'), ('gone', 'Not started')) one (type, s)`,
    );
    const all = await tickwork.insight.getTypes({ limit: 10 });
    expect(all.map(({ type, runs }) => [type, runs])).toEqual([
      ["gone", "nowhere"],
      ["mail", "here"],
      ["report", "here"],
      ["short", "here"],
      ["theirs", "elsewhere"],
    ]);
    const [gone, mail, , short] = all;
    expect(gone).toMatchObject({ waiting: 2, recent: [], max_attempts: null, median_ms: null });
    expect(mail).toMatchObject({ max_attempts: 3, timeout_seconds: 60, batch_size: null, median_ms: 2_000 });
    expect(mail?.recent.map(({ completed }) => completed)).toEqual([false, true]);
    expect(short?.batch_size).toBe(7);
    const pages = [
      await tickwork.insight.getTypes({ limit: 2 }),
      await tickwork.insight.getTypes({ limit: 2, after: "mail" }),
      await tickwork.insight.getTypes({ limit: 2, after: "short" }),
    ];
    expect(pages.flat()).toEqual(all);
  });

  test("the schema of a type is loaded where its code is", async () => {
    expect((await tickwork.insight.getType("mail")).schema).toBe(schema);
    expect((await tickwork.insight.getType("report")).schema).toBe(schema);
    expect(await tickwork.insight.getType("unheard")).toMatchObject({
      runs: "nowhere",
      recent: [],
      schema: undefined,
    });
  });

  test("a search finds text in data, result and error, and passes over what is large", async () => {
    await put(
      "type, task_status, task_data, result_data, error_data",
      `values (1, 'mail', 'Not started', '{"to":"Ada Lovelace"}', null, null),
        (1, 'mail', 'Completed', null, '{"to":"ADA"}', null),
        (1, 'mail', 'Error', null, null, '{"message":"no ada here"}'),
        (1, 'mail', 'Completed', null, null, null),
        (1, 'mail', 'Completed', (select json_agg(md5(n::text)) || '' from generate_series(1, 2000) n)::json, null, null)`,
    );
    const found = async (text: string, filter = {}) =>
      (await tickwork.tasks.page({ text, limit: 50, ...filter })).tasks
        .map(({ id }) => id)
        .sort((a, b) => a - b);
    const [first = 0] = await found("lovelace");
    expect(await found("aDa")).toEqual([first, first + 1, first + 2]);
    expect(await found("ada", { status: "Completed" })).toEqual([first + 1]);
    expect(await found("ada", { type: "mail", after: { id: first + 2 } })).toEqual([first, first + 1]);
    expect(await found("%")).toEqual([]);
    expect(await found("c4ca4238a0b923820dcc509a6f75849b")).toEqual([]);
    expect(await tickwork.tasks.page({ text: "ada", limit: 2 })).toMatchObject({
      tasks: [{}, {}],
      more: true,
    });
  });

  test("a search that has looked through enough goes on from there", async () => {
    await put(
      "type, task_data",
      `select 1, 'mail', json_build_object('n', n) from generate_series(1, ${SEARCH_SCAN + 5}) n`,
    );
    const first = await tickwork.tasks.page({ text: '"n" : 3}', limit: 50 });
    expect([first.tasks, first.more]).toEqual([[], true]);
    const second = await tickwork.tasks.page({ text: '"n" : 3}', limit: 50, after: first.next });
    expect([second.tasks.map(({ task_data }) => task_data), second.more]).toEqual([[{ n: 3 }], false]);
  });
});
