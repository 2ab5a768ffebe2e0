/** The promises and the rules of the protocol (packages/core/run/tick.ts), each by the story that it is there for. */
import { describe, expect, test } from "vitest";
import { RetryAfter } from "#core";
import { PUT } from "../../../packages/core/gate/scripts/refresh.ts";
import { eventually } from "../../support/bed/bed.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { failing, gated, noting, obedient } from "../../support/bed/tasks.ts";

const MINUTE_MS = 60_000;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

describeOnStacks("the protocol", (bed) => {
  const key = (name: string) => `{${bed.prefix}}:${name}`;
  const statuses = async () =>
    (await bed.sql<{ task_status: string }>(`select task_status from "baasix_Tasks" order by id`)).map(
      ({ task_status }) => task_status,
    );

  describe("promise 2: one live lease in a slot", () => {
    test("two ticks that both believe to have the flag: one task runs", async () => {
      const { starts, definition } = gated();
      const bell = noteRings();
      const one = bed.make({ doorbell: noteRings(), definitions: [definition] });
      const two = bed.make({ doorbell: bell, definitions: [definition] });
      await one.tasks.create([{ type: "gated" }, { type: "gated" }]);
      const ticking = one.worker.tick();
      await eventually(() => starts.length === 1);
      await bed.redis("DEL", key("flag:0"));
      // Rule 6: the slot is taken, so let go, and ring when the lease ends.
      expect(await two.worker.tick()).toMatchObject({ ended: "conflict", completed: 0 });
      expect(bell.rings.at(-1)?.afterMs).toBeGreaterThan(50_000);
      expect(await two.operator.isTaskRunning()).toBe(false);
      expect(starts).toHaveLength(1);
      starts[0]?.finish();
      (await eventually(() => starts[1])).finish();
      await ticking;
      expect(await statuses()).toEqual(["Completed", "Completed"]);
    });

    test("rows that others set to Running keep it too", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }, { type: "note" }]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
      expect(await worker.tick()).toMatchObject({ ended: "conflict" });
      expect(ran).toEqual([]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 1`);
      expect(await worker.tick()).toMatchObject({ completed: 1 });
      expect(ran.map(({ id }) => id)).toEqual([2]);
    });
  });

  describe("rule 3: after releasing, look again", () => {
    test("a task whose ring met the held flag is run before the tick ends", async () => {
      const { starts, definition } = gated();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "gated" }]);
      const ticking = worker.tick();
      const first = await eventually(() => starts[0]);
      await tasks.create([{ type: "gated" }]);
      expect(await worker.tick()).toMatchObject({ ended: "held" });
      first.finish();
      (await eventually(() => starts[1])).finish();
      expect(await ticking).toMatchObject({ completed: 2 });
    });

    test("who sleeps holds no flag; one sleeps at a time; an earlier wake-up replaces a later one", async () => {
      const { ran, definition } = noting();
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const make = () => bed.make({ doorbell: bell, definitions: [definition] });
      const { tasks, operator, worker } = make();
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(600) }]);
      const sleeping = worker.tick();
      await eventually(async () => (await bed.redis("EXISTS", key("sleeper"))) === 1);
      expect(await operator.isTaskRunning()).toBe(false);
      expect(await make().worker.tick()).toMatchObject({ ended: "idle" });
      await tasks.create([{ type: "note", scheduled_time: inMs(200) }]);
      expect(await make().worker.tick()).toMatchObject({
        completed: expect.toSatisfy((n: number) => n >= 1),
      });
      await sleeping;
      await eventually(() => ran.length === 2);
      expect(ran.map(({ id }) => id)).toEqual([2, 1]);
    });

    test("who finds somebody asleep has somebody look after the wake-up, for sleepers die", async () => {
      const { definition } = noting();
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(30_000) }]);
      await bed.redis("SET", key("sleeper"), `${Date.now() + 20_000}|dead`, "PX", 25_000);
      bell.rings.length = 0;
      expect(await worker.tick()).toMatchObject({ ended: "idle" });
      expect(bell.rings).toEqual([
        { afterMs: expect.toSatisfy((ms: number) => ms > 24_000 && ms <= 25_000) },
      ]);
    });

    test("who is stopped while it sleeps lets another one sleep, and rings for it", async () => {
      const { definition } = noting();
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(30_000) }]);
      const sleeping = worker.tick();
      await eventually(async () => (await bed.redis("EXISTS", key("sleeper"))) === 1);
      await worker.shutdown();
      expect(await sleeping).toMatchObject({ ended: "stopped" });
      expect(await bed.redis("EXISTS", key("sleeper"))).toBe(0);
      expect(bell.rings.at(-1)?.inMs).toBeGreaterThan(20_000);
    });

    test("a fresh tick that cannot sleep long enough does not ring for another one at once", async () => {
      const { definition } = noting();
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(30_000) }]);
      bell.rings.length = 0;
      expect(await worker.tick({ timeLeftMs: 10_000 })).toMatchObject({ ended: "idle" });
      expect(bell.rings).toEqual([
        { afterMs: expect.toSatisfy((ms: number) => ms > 20_000 && ms <= 30_000) },
      ]);
    });
  });

  test("rule 4: who meets a held flag rings when its TTL ends, plus a second", async () => {
    const { definition } = noting();
    const bell = noteRings();
    const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
    await tasks.create([{ type: "note" }]);
    await bed.redis("SET", key("flag:0"), "somebody", "PX", 20_000);
    expect(await worker.tick()).toMatchObject({ ended: "held" });
    expect(bell.rings.at(-1)?.afterMs).toBeGreaterThan(20_000);
    expect(bell.rings.at(-1)?.afterMs).toBeLessThanOrEqual(21_000);
    // A flag that was set by hand, without an end, gets one.
    await bed.redis("SET", key("flag:0"), "by hand");
    expect(await worker.tick()).toMatchObject({ ended: "held" });
    expect(await bed.redis("PTTL", key("flag:0"))).toBeGreaterThan(50_000);
  });

  describe("rule 5: an empty claim corrects the cache", () => {
    test("ids that are gone, finished, moved or running elsewhere leave the due ones", async () => {
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
      expect(await bed.redis("ZRANGE", key("running"), 0, -1)).toEqual(["4"]);
      bed.counts.reset();
      await worker.tick();
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 1 });
    });

    test("due by the clock of Redis and not yet by Postgres's: let go, wait, look", async () => {
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

    test("due by every clock and not to be had: three empty claims end the tick, and somebody looks again", async () => {
      if (bed.kind === "embedded") return; // It has one session: nobody else can have a row locked.
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
    });
  });

  test("rule 7: a running task is in the cache at the end of its lease, and found there when its worker died", async () => {
    const { starts, definition } = gated();
    const env = { TASK_RUNNING_TTL: "2" };
    const dead = bed.make({ doorbell: noteRings(), definitions: [definition], env, dies: true });
    await dead.tasks.create([{ type: "gated" }]);
    const dying = dead.worker.tick();
    await eventually(() => starts[0]);
    await eventually(async () => (await bed.redis("ZSCORE", key("running"), 1)) !== null);
    // To the others, a dead worker is a lease that nobody renews.
    await bed.sql(`update "baasix_Tasks" set lease_token = 'of a dead worker' where id = 1`);
    await eventually(() => starts[0]?.context.signal.aborted);
    starts[0]?.finish();
    await dying;
    await bed.redis("DEL", key("flag:0"));
    await bed.sql(
      `update "baasix_Tasks" set lease_expires_at = now() + interval '500 milliseconds' where id = 1`,
    );
    const { ran, definition: note } = noting("gated");
    const bell = noteRings();
    const { tasks, operator, worker } = bed.make({ doorbell: bell, definitions: [note], env });
    await operator.notifyChanged([1]);
    bed.counts.reset();
    // The lease lives: no query, and a ring for its end.
    expect(await worker.tick()).toMatchObject({ ended: "idle" });
    expect(bed.counts.postgres).toBe(0);
    expect(bell.rings.at(-1)?.afterMs).toBeLessThanOrEqual(1_500);
    await eventually(async () => (await worker.tick()).completed === 1);
    expect(ran).toEqual([{ id: 1, attempt: 2, data: null }]);
    expect(await tasks.get(1)).toMatchObject({ task_status: "Completed", crashes: 1 });
  });

  describe("promise 6 and rule 8: what changes while a refresh runs is right afterwards", () => {
    /** Does something between what a refresh reads from Postgres and what it writes into the cache. */
    const inTheMiddle = (what: () => Promise<unknown>) => {
      let busy = false;
      bed.faults.redis = async ([, script]) => {
        if (busy || script !== PUT.lua) return;
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
      await bed.redis("DEL", ...((await bed.redis("KEYS", key("*"))) as string[]));
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
      await bed.redis("DEL", ...((await bed.redis("KEYS", key("*"))) as string[]));
      first.finish();
      (await eventually(() => starts[1])).finish();
      expect(await ticking).toMatchObject({ completed: 2, ended: "idle" });
    });

    test("a window that the limit cuts is refreshed when its end is reached, and stays within the limit", async () => {
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

    test("a cache full of ids that are not there costs a few queries, and is empty then", async () => {
      const { worker } = bed.make({ doorbell: noteRings() });
      await worker.refresh();
      const wrong = Array.from({ length: 2_500 }, (_, n) => [1, 100_000 + n]).flat();
      for (let from = 0; from < wrong.length; from += 1_000)
        await bed.redis("ZADD", key("waiting"), ...wrong.slice(from, from + 1_000));
      await worker.tick();
      await worker.tick();
      expect(await bed.redis("ZCARD", key("waiting"))).toBe(1);
    });

    test("a change that Redis missed is mended when it answers again, before it is believed", async () => {
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

  describe("rule 10: a lost answer is read back", () => {
    const loseOnce = (what: RegExp) => {
      let lost = 0;
      bed.faults.postgresAnswer = (query) => {
        if (lost > 0 || !what.test(query)) return;
        lost++;
        throw new Error("socket hang up");
      };
      return () => lost;
    };

    test("of a claim: the task runs once", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }]);
      const lost = loseOnce(/buried/);
      expect(await worker.tick()).toMatchObject({ completed: 1 });
      expect([lost(), ran.length]).toEqual([1, 1]);
      expect(await tasks.get(1)).toMatchObject({ attempts: 1, crashes: 0 });
    });

    test("of a settle: it is written once, and the next task that it claimed runs", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }, { type: "note" }]);
      const lost = loseOnce(/done as/);
      expect(await worker.tick()).toMatchObject({ completed: 2, lost: 0 });
      expect([lost(), ran.map(({ id, attempt }) => [id, attempt])]).toEqual([
        1,
        [
          [1, 1],
          [2, 1],
        ],
      ]);
    });

    test("of a settle that did not take: it is written again", async () => {
      const { definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition, failing] });
      await tasks.create([{ type: "note" }, { type: "failing", task_data: { how: "tomorrow" } }]);
      let refused = 0;
      bed.faults.postgres = (query) => {
        if (!/done as/.test(query) || refused++ % 2 === 1) return;
        throw new Error("connection refused");
      };
      expect(await worker.tick()).toMatchObject({ completed: 1, retried: 1 });
      expect(await statuses()).toEqual(["Completed", "Not started"]);
    });

    test("of a new task: the caller sees an error, and its key makes it once", async () => {
      const { definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      loseOnce(/tickwork_requests/);
      await expect(tasks.create([{ type: "note" }], { idempotencyKey: "k" })).rejects.toMatchObject({
        kind: "unavailable",
      });
      expect(await tasks.create([{ type: "note" }], { idempotencyKey: "k" })).toMatchObject([{ id: 1 }]);
      expect(await statuses()).toEqual(["Not started"]);
      // The first call died before it could tell the cache and ring; the repetition does.
      expect(await worker.tick()).toMatchObject({ completed: 1 });
    });
  });

  test("rule 11: a task is given back only after its handler has ended", async () => {
    const { starts, definition } = gated();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "gated" }]);
    const ticking = worker.tick();
    const { context, fail } = await eventually(() => starts[0]);
    const stopping = worker.shutdown();
    await eventually(() => context.signal.aborted);
    expect(await statuses()).toEqual(["Running"]);
    fail(new Error("stopped"));
    await stopping;
    expect(await ticking).toMatchObject({ givenBack: 1 });
    expect(await statuses()).toEqual(["Not started"]);
  });

  test("rule 13: more is due and a slot is free: one more ring", async () => {
    const { started, definition } = obedient();
    const bell = noteRings();
    const { tasks, worker } = bed.make({
      doorbell: bell,
      definitions: [definition],
      env: { TASK_CONCURRENCY: "2" },
    });
    await tasks.create([{ type: "obedient" }, { type: "obedient" }]);
    bell.rings.length = 0;
    const ticks = [worker.tick()];
    await eventually(() => started.length === 1);
    expect(bell.rings).toEqual([{ now: {} }]);
    ticks.push(worker.tick());
    await eventually(() => started.length === 2);
    expect(bell.rings).toEqual([{ now: {} }]);
    await worker.shutdown();
    await Promise.all(ticks);
  });

  test("rule 13: a task that waits again is run by another tick while the one that ran it goes on", async () => {
    const { starts, definition } = gated("gated", { maxAttempts: 2 });
    const bell = noteRings({ earlyMs: 5_000 });
    const { tasks, worker } = bed.make({
      doorbell: bell,
      definitions: [definition],
      env: { TASK_CONCURRENCY: "2" },
    });
    await tasks.create([{ type: "gated" }]);
    const ticking = worker.tick();
    const first = await eventually(() => starts[0]);
    // Who finds it running notes the end of its lease, and not a due time.
    expect(await worker.tick()).toMatchObject({ ended: "idle" });
    await tasks.create([{ type: "gated" }]);
    first.fail(new RetryAfter(30, "not yet"));
    const second = await eventually(() => starts[1]);
    await eventually(() => bell.rings.some(({ inMs }) => inMs === 30));
    const another = worker.tick();
    (await eventually(() => starts[2])).finish();
    expect(await another).toMatchObject({ completed: 1 });
    expect(await statuses()).toEqual(["Completed", "Running"]);
    second.finish();
    expect(await ticking).toMatchObject({ retried: 1, completed: 1 });
  });

  test("Postgres down in the middle: the tick says so, gives the flag back, and has somebody look again", async () => {
    const { definition } = noting();
    const bell = noteRings();
    const { tasks, operator, worker } = bed.make({ doorbell: bell, definitions: [definition] });
    await worker.refresh();
    await tasks.create([{ type: "note" }]);
    bed.faults.postgres = () => {
      throw new Error("down");
    };
    await expect(worker.tick()).rejects.toMatchObject({ kind: "unavailable" });
    expect(bell.rings.at(-1)).toEqual({ afterMs: 15_000 });
    expect(await operator.isTaskRunning()).toBe(false);
    delete bed.faults.postgres;
    expect(await worker.tick()).toMatchObject({ completed: 1 });
  });
});
