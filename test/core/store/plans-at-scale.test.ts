/**
 * What statements read among 10,000 types, with a million tasks that wait and a hundred million that have finished: so
 * Postgres is told, and plans for it; the rows that are there are enough to show who reads too many.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TaskStatus } from "#core";
import type { Statement } from "../../../packages/core/store/database.ts";
import { LIST } from "../../../packages/core/store/list.ts";
import { DELETE_FINISHED } from "../../../packages/core/store/operator.ts";
import { openTestBed, type TestBed } from "../../support/bed/bed.ts";
import { eachStack } from "../../support/bed/describe-on-stacks.ts";

/** A page of 50 tasks, each in a page of its own at worst, and the ways there in each index. */
const PAGES = 300;
const page = { limit: 50, bytes: 2 ** 24 };
const statuses: (TaskStatus | undefined)[] = [undefined, "Not started", "Running", "Completed", "Error"];

eachStack("the plans at scale", (kind) => {
  const rows = kind === "embedded" ? 60_000 : 400_000;
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed(kind);
    await bed.sql(`alter table "baasix_Tasks" set (autovacuum_enabled = false)`);
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    // The oldest fifth waits, and the newest, which is of types of its own. Of what has finished between, each twentieth
    // failed; the type "large" has a half of it, and the type "rare" one task of each status, the oldest.
    await bed.sql(`insert into "baasix_Tasks" (type, task_status, scheduled_time, finished_at, "updatedAt", rev)
      select case when n <= 4 then 'rare' when n % 2 = 0 and n < ${rows * 0.8} then 'large' else 'type ' || n % 20000 / 2 end,
        case when n = 1 or n between 5 and ${rows / 5} or n > ${rows * 0.8} then 'Not started' when n = 3 or n % 20 = 0 then 'Error' when n = 4 then 'Running' else 'Completed' end::"enum_baasix_Tasks_task_status",
        now() + n * interval '1 second',
        case when n = 1 or n between 4 and ${rows / 5} or n > ${rows * 0.8} then null else now() - (${rows} - n) * interval '1 second' end, now(), 1
      from generate_series(1, ${rows}) n`);
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
    await bed.sql(`vacuum analyze "baasix_Tasks"`);
    await bed.sql(`update pg_class set reltuples = 101000000 where oid = '"baasix_Tasks"'::regclass`);
  }, 180_000);
  afterAll(() => bed.close());

  /** How many pages a statement touches, planned for these parameters and for any. */
  const pagesOf = async ({ text, params = [] }: Statement) => {
    const literals = params.map((param) => (typeof param === "string" ? `'${param}'` : String(param)));
    const pages: number[] = [];
    for (const mode of ["force_custom_plan", "force_generic_plan"]) {
      await bed.sql("begin");
      await bed.sql(`set local plan_cache_mode = ${mode}`);
      await bed.sql(`prepare to_explain as ${text}`);
      const plan = await bed.sql<{ "QUERY PLAN": string }>(
        `explain (analyze, buffers, timing off) execute to_explain(${literals.join(", ")})`,
      );
      await bed.sql("rollback");
      await bed.sql("deallocate to_explain");
      const found = plan.flatMap((line) => [...line["QUERY PLAN"].matchAll(/(?:hit|read)=(\d+)/g)]);
      pages.push(Math.max(...found.map(([, count]) => Number(count))));
    }
    return Math.max(...pages);
  };

  test.each(statuses)("a list of status %s reads a few pages, for any type, on any page", async (status) => {
    const read: Record<string, number> = {};
    const later = { ...page, afterId: rows / 2 };
    read["any type"] = await pagesOf(LIST(status)(page as never));
    read["any type, later"] = await pagesOf(LIST(status, "-created", "after")(later as never));
    for (const type of ["large", "rare", "type 77", "nobody"]) {
      const ofType = { ...later, type };
      read[type] = await pagesOf(LIST(status, "-created", "type")({ ...page, type } as never));
      read[`${type}, later`] = await pagesOf(LIST(status, "-created", "type", "after")(ofType as never));
    }
    for (const [what, pages] of Object.entries(read)) expect(pages, what).toBeLessThan(PAGES);
  });

  test.each(["Completed", "Error"] as const)(
    "where no task in %s is old, looking for one reads a few pages; where all are, those of a batch",
    async (status) => {
      const looked = await pagesOf(DELETE_FINISHED(status)({ days: 30, batch: 1_000, keepId: 0 }));
      expect(looked).toBeLessThan(PAGES);
      const batch = 100;
      const deleted = await pagesOf(DELETE_FINISHED(status)({ days: 0, batch, keepId: 0 }));
      // For each: the row twice, then its way down the index of its key.
      expect(deleted).toBeLessThan(batch * 12 + PAGES);
    },
  );
});
