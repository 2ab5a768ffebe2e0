/**
 * Tasks run, finish, and are deleted when they are old, with a vacuum whenever autovacuum would start one by the
 * settings of the table: how large the table and its indexes are then, by what the rows that are kept take.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestBed, type TestBed } from "../../support/bed/bed.ts";
import { eachStack } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

/** Finished tasks that are kept, and how many come and go in a cycle. */
const KEPT = 100_000;
const CYCLE = 5_000;
const CYCLES = 60;
/** Those after which the size has to have settled. */
const SETTLED = 20;
/** What the table may grow from then on. */
const GROWTH = 1.1;

eachStack("a table that tasks run through", (kind) => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed(kind);
  });
  afterAll(() => bed.close());

  test.runIf(kind === "real servers")(
    "stops to grow",
    async () => {
      const { store } = bed.make({ doorbell: noteRings() });
      const [settings] = await bed.sql<{ options: string }>(
        `select array_to_string(reloptions, ',') as options from pg_class where oid = '"baasix_Tasks"'::regclass`,
      );
      const setting = (name: string) =>
        Number(new RegExp(`${name}=([\\d.]+)`).exec(settings?.options ?? "")?.[1]);
      const scale = setting("autovacuum_vacuum_scale_factor");
      const threshold = setting("autovacuum_vacuum_threshold");
      // The vacuums are those of the test, so that no other one comes between.
      await bed.sql(`alter table "baasix_Tasks" set (autovacuum_enabled = false)`);
      const sizeMb = async () => {
        const [row] = await bed.sql<{ bytes: string }>(
          `select pg_total_relation_size('"baasix_Tasks"') as bytes`,
        );
        return Number(row?.bytes) / 1e6;
      };
      const runThrough = async (count: number) => {
        await bed.sql(
          `insert into "baasix_Tasks" (type, task_data) select 'type ' || n % 100, '{"to":"somebody"}' from generate_series(1, ${count}) n`,
        );
        // As a claim and a settle do, each row twice.
        await bed.sql(
          `update "baasix_Tasks" set task_status = 'Running', started_at = now(), attempts = 1, rev = rev + 1 where task_status = 'Not started'`,
        );
        await bed.sql(
          `update "baasix_Tasks" set task_status = 'Completed', result_data = '{"sent":true}', finished_at = now(), rev = rev + 1 where task_status = 'Running'`,
        );
      };
      await runThrough(KEPT);
      await bed.sql(`vacuum analyze "baasix_Tasks"`);
      const sizes: number[] = [];
      let dead = 0;
      let vacuums = 0;
      let deletingMs = 0;
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        await runThrough(CYCLE);
        await bed.sql(
          `update "baasix_Tasks" set finished_at = now() - interval '2 days' where id in (select id from "baasix_Tasks" order by id limit ${CYCLE})`,
        );
        const began = performance.now();
        for (let deleted = 1; deleted > 0; ) deleted = await store.deleteFinished("Completed", 1, 1_000, 0);
        deletingMs += performance.now() - began;
        // Two versions of what ran, two of what was made old and deleted.
        dead += 4 * CYCLE;
        if (dead > threshold + scale * KEPT) {
          await bed.sql(`vacuum analyze "baasix_Tasks"`);
          dead = 0;
          vacuums++;
        }
        sizes.push(await sizeMb());
      }
      const [row] = await bed.sql<{ count: string }>(`select count(*) from "baasix_Tasks"`);
      const settled = sizes[SETTLED] ?? 0;
      const last = sizes.at(-1) ?? 0;
      await bed.sql(`vacuum full "baasix_Tasks"`);
      const packed = await sizeMb();
      console.log(
        `${row?.count} rows kept while ${CYCLES * CYCLE} came and went, ${vacuums} vacuums: ${settled.toFixed(1)} MB after ${SETTLED} cycles, ${last.toFixed(1)} MB after ${CYCLES}, ${packed.toFixed(1)} MB packed; ${(last / packed).toFixed(2)} times that; ${Math.round((CYCLES * CYCLE) / (deletingMs / 1_000))} rows deleted a second`,
      );
      expect(Number(row?.count)).toBe(KEPT);
      expect(last / settled).toBeLessThanOrEqual(GROWTH);
    },
    240_000,
  );
});
