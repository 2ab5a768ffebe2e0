/** The cache may be wrong, old or empty: Postgres decides, and the cache is corrected. */
import { describe, expect, test } from "vitest";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { inMs, keyOf } from "../../../support/bed/look.ts";
import { isPut } from "../../../support/bed/statements.ts";
import { gated, noting } from "../../../support/bed/tasks.ts";
import { eventually } from "../../../support/eventually.ts";

const MINUTE_MS = 60_000;

describeOnStacks("the cache", (bed) => {
  describe("rule 5: an empty claim corrects the cache", () => {
    test("tasks that are gone, finished, moved or running elsewhere are no longer due", async () => {
      const { ran, definition } = noting();
      const { tasks, operator, worker } = bed.make({
        doorbell: noteRings(),
        definitions: [definition],
        env: { TASK_CONCURRENCY: "2" },
      });
      await worker.refresh();
      await tasks.create(Array.from({ length: 4 }, () => ({ type: "note" })));
      await bed.sql(`delete from "baasix_Tasks" where id = 1`);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 2`);
      await bed.sql(`update "baasix_Tasks" set scheduled_time = now() + interval '1 hour' where id = 3`);
      await bed.sql(
        `update "baasix_Tasks" set task_status = 'Running', slot = 1, lease_token = 'x', lease_expires_at = now() + interval '30 seconds' where id = 4`,
      );
      bed.counts.reset();
      expect(await worker.tick()).toMatchObject({ ended: "idle", completed: 0 });
      expect(bed.counts.postgres).toBe(1);
      expect(ran).toEqual([]);
      expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([3]);
      expect(await bed.redis("ZRANGE", keyOf(bed, "running"), 0, -1)).toEqual(["4"]);
      bed.counts.reset();
      await worker.tick();
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 1 });
    });

    test("a task that is due by Redis's clock and not yet by Postgres's is waited for without the flag", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({
        doorbell: noteRings({ earlyMs: 1_000 }),
        definitions: [definition],
        now: "(now() - interval '300 milliseconds')",
      });
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(-50) }]);
      bed.counts.reset();
      expect(await worker.tick()).toMatchObject({ ended: "idle", completed: 1 });
      expect(ran).toHaveLength(1);
      expect(bed.counts.postgres).toBeLessThanOrEqual(4);
    });

    // The embedded Postgres has one session: nobody else can have a row locked.
    test.skipIf(bed.kind === "embedded")(
      "a task that is due and cannot be claimed ends the tick after three empty claims, with a ring for later",
      async () => {
        const { definition } = noting();
        const bell = noteRings();
        const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
        await tasks.create([{ type: "note" }]);
        // A statement that holds the row's lock for a second and changes nothing.
        const locked = bed.sql(
          `with row as (select id from "baasix_Tasks" where id = 1 for update) select pg_sleep(1) from row`,
        );
        await eventually(
          async () => (await bed.sql(`select from pg_stat_activity where wait_event = 'PgSleep'`)).length > 0,
        );
        bed.counts.reset();
        expect(await worker.tick()).toMatchObject({ ended: "unclaimable" });
        expect(bed.counts.postgres).toBe(3);
        expect(bell.rings.at(-1)).toEqual({ afterMs: 15_000 });
        await locked;
        expect(await worker.tick()).toMatchObject({ completed: 1 });
      },
    );
  });

  describe("promise 6 and rule 8: what changes while a refresh runs is right afterwards", () => {
    /** Does something between what a refresh reads from Postgres and what it writes into the cache. */
    const inTheMiddle = (what: () => Promise<unknown>) => {
      let busy = false;
      bed.faults.redis = async (request) => {
        if (busy || !isPut(request)) return;
        busy = true;
        await what();
      };
    };

    test.each(["made", "changed", "moved away", "moved near", "deleted", "run"])(
      "a task is %s",
      async (what) => {
        const { definition } = noting();
        const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
        await tasks.create([
          { type: "note", scheduled_time: inMs(MINUTE_MS), task_data: "old" },
          { type: "note", scheduled_time: inMs(10 * 60 * MINUTE_MS) },
        ]);
        await worker.refresh();
        inTheMiddle(async () => {
          if (what === "made") await tasks.create([{ type: "note", scheduled_time: inMs(2 * MINUTE_MS) }]);
          if (what === "changed") await tasks.update(1, { task_data: "new" });
          if (what === "moved away") await tasks.update(1, { scheduled_time: inMs(9 * 60 * MINUTE_MS) });
          if (what === "moved near") await tasks.update(2, { scheduled_time: inMs(3 * MINUTE_MS) });
          if (what === "deleted") await tasks.remove(1);
          if (what === "run") {
            await tasks.update(1, { scheduled_time: inMs(-1) });
            await worker.tick();
          }
        });
        await worker.refresh();
        delete bed.faults.redis;
        const cached = await operator.getNotStartedTasks();
        const { operator: truth } = bed.make({
          doorbell: noteRings(),
          definitions: [definition],
          env: { CACHE_ENABLED: "false" },
        });
        expect(cached).toEqual(await truth.getNotStartedTasks());
        expect((await operator.getCacheStats()).cachedTasksCount).toBe(cached.length);
      },
    );
  });

  describe("promise 7 and rule 9: an empty Redis is not an empty window", () => {
    test("after a flush a tick finds what is due, and the cache is rebuilt", async () => {
      const { ran, definition } = noting();
      const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }, { type: "note", scheduled_time: inMs(MINUTE_MS) }]);
      await bed.redis("DEL", ...((await bed.redis("KEYS", keyOf(bed, "*"))) as string[]));
      expect(await worker.tick()).toMatchObject({ completed: 1, ended: "idle" });
      expect(ran).toHaveLength(1);
      expect(await operator.getCacheStats()).toMatchObject({ cachedTasksCount: 1, initialized: true });
      bed.counts.reset();
      await worker.tick();
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 1 });
    });

    test("a flush in the middle of a tick loses nothing", async () => {
      const { starts, definition } = gated();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "gated" }, { type: "gated" }]);
      const ticking = worker.tick();
      const first = await eventually(() => starts[0]);
      await bed.redis("DEL", ...((await bed.redis("KEYS", keyOf(bed, "*"))) as string[]));
      first.finish();
      (await eventually(() => starts[1])).finish();
      expect(await ticking).toMatchObject({ completed: 2, ended: "idle" });
    });

    test("a window that the limit cuts is refreshed when a tick reaches its end, and stays within the limit", async () => {
      const { ran, definition } = noting();
      const { tasks, operator, worker } = bed.make({
        doorbell: noteRings(),
        definitions: [definition],
        env: { TASK_CACHE_LIMIT: "5" },
      });
      await bed.sql(
        `insert into "baasix_Tasks" (type, scheduled_time) select 'note', now() - interval '1 hour' + n * interval '1 second' from generate_series(1, 12) n`,
      );
      await worker.refresh();
      expect((await operator.getCacheStats()).cachedTasksCount).toBe(5);
      await tasks.create([{ type: "note", scheduled_time: inMs(-10) }]);
      expect((await operator.getCacheStats()).cachedTasksCount).toBe(5);
      await tasks.create([{ type: "note", scheduled_time: "2020-01-01T00:00:00Z" }]);
      expect((await operator.getCacheStats()).cachedTasksCount).toBe(5);
      expect(await worker.tick()).toMatchObject({ completed: 14, ended: "idle" });
      expect(ran.map(({ id }) => id)).toEqual([14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
      expect((await operator.getCacheStats()).cachedTasksCount).toBe(0);
    });

    test("a cache full of ids that do not exist costs a few queries, and is empty afterwards", async () => {
      const { worker } = bed.make({ doorbell: noteRings() });
      await worker.refresh();
      const wrong = Array.from({ length: 2_500 }, (_, n) => [1, 100_000 + n]).flat();
      for (let from = 0; from < wrong.length; from += 1_000)
        await bed.redis("ZADD", keyOf(bed, "waiting"), ...wrong.slice(from, from + 1_000));
      await worker.tick();
      await worker.tick();
      expect(await bed.redis("ZCARD", keyOf(bed, "waiting"))).toBe(1);
    });

    test("a Redis that missed a change is mended before it is believed again", async () => {
      const { ran, definition } = noting();
      const bell = noteRings();
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
      await worker.refresh();
      bed.faults.redis = () => {
        throw new Error("down");
      };
      await tasks.create([{ type: "note" }]);
      expect(bell.rings.at(-1)).toEqual({ now: { askPostgres: true } });
      delete bed.faults.redis;
      expect(await worker.tick({ askPostgres: true })).toMatchObject({ completed: 1 });
      expect(ran).toHaveLength(1);
    });
  });
});
