/** Ticks come early, meet a held flag, or do not come at all: what is due runs in time, and nobody polls. */
import { describe, expect, test } from "vitest";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { inMs, keyOf } from "../../../support/bed/look.ts";
import { gated, noting } from "../../../support/bed/tasks.ts";
import { eventually } from "../../../support/eventually.ts";

const MINUTE_MS = 60_000;

describeOnStacks("wake-ups", (bed) => {
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

    test("a sleeping tick holds no flag; one sleeps at a time; an earlier wake-up replaces a later one", async () => {
      const { ran, definition } = noting();
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const make = () => bed.make({ doorbell: bell, definitions: [definition] });
      const { tasks, operator, worker } = make();
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(600) }]);
      const sleeping = worker.tick();
      await eventually(async () => (await bed.redis("EXISTS", keyOf(bed, "sleeper"))) === 1);
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

    test("a tick that finds another one asleep rings for after the wake-up, for sleepers may die", async () => {
      const { definition } = noting();
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(30_000) }]);
      await bed.redis("SET", keyOf(bed, "sleeper"), `${Date.now() + 20_000}|dead`, "PX", 25_000);
      bell.rings.length = 0;
      expect(await worker.tick()).toMatchObject({ ended: "idle" });
      expect(bell.rings).toEqual([
        { afterMs: expect.toSatisfy((ms: number) => ms > 24_000 && ms <= 25_000) },
      ]);
    });

    test("a tick that is stopped while it sleeps lets another one sleep, and rings for it", async () => {
      const { definition } = noting();
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(30_000) }]);
      const sleeping = worker.tick();
      await eventually(async () => (await bed.redis("EXISTS", keyOf(bed, "sleeper"))) === 1);
      await worker.shutdown();
      expect(await sleeping).toMatchObject({ ended: "stopped" });
      expect(await bed.redis("EXISTS", keyOf(bed, "sleeper"))).toBe(0);
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

    test("one that would have no time for a handler afterwards rings for the next due time instead", async () => {
      const definition = { ...noting().definition, timeoutSeconds: 80 };
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const env = { TASK_SHUTDOWN_WAIT_TIME: "30" };
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition], env });
      await worker.refresh();
      const next = inMs(50_000);
      await tasks.create([{ type: "note" }, { type: "note", scheduled_time: next }]);
      bell.rings.length = 0;
      expect(await worker.tick({ timeLeftMs: 130_000 })).toMatchObject({ completed: 1, ended: "idle" });
      // At a time, and not after one: the doorbell may come early.
      expect(bell.rings).toEqual([{ atMs: Date.parse(next), inMs: expect.any(Number) }]);
    });

    test("one that has nothing due as soon as a doorbell may come early rings for the next due time", async () => {
      const bell = noteRings({ earlyMs: MINUTE_MS });
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [noting().definition] });
      await worker.refresh();
      const next = inMs(2 * MINUTE_MS);
      await tasks.create([{ type: "note", scheduled_time: next }]);
      bell.rings.length = 0;
      expect(await worker.tick()).toMatchObject({ ended: "idle" });
      expect(bell.rings).toEqual([{ atMs: Date.parse(next), inMs: expect.any(Number) }]);
    });

    test("of five ticks that come early at once, one runs the task, in time", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({
        doorbell: noteRings({ earlyMs: MINUTE_MS }),
        definitions: [definition],
      });
      await worker.refresh();
      const due = Date.now() + 700;
      await tasks.create([{ type: "note", scheduled_time: new Date(due) }]);
      const ends = await Promise.all(Array.from({ length: 5 }, () => worker.tick()));
      expect(ends.reduce((sum, { completed }) => sum + completed, 0)).toBe(1);
      expect(ran).toHaveLength(1);
      expect(Date.parse((await tasks.get(1)).started_at ?? "")).toBeGreaterThanOrEqual(due);
    });
  });

  test("rule 4: a tick that meets a held flag rings for a second after its TTL ends", async () => {
    const { definition } = noting();
    const bell = noteRings();
    const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
    await tasks.create([{ type: "note" }]);
    await bed.redis("SET", keyOf(bed, "flag:0"), "somebody", "PX", 20_000);
    expect(await worker.tick()).toMatchObject({ ended: "held" });
    expect(bell.rings.at(-1)?.afterMs).toBeGreaterThan(20_000);
    expect(bell.rings.at(-1)?.afterMs).toBeLessThanOrEqual(21_000);
    // A flag that was set by hand, without an end, gets one.
    await bed.redis("SET", keyOf(bed, "flag:0"), "by hand");
    expect(await worker.tick()).toMatchObject({ ended: "held" });
    expect(await bed.redis("PTTL", keyOf(bed, "flag:0"))).toBeGreaterThan(50_000);
  });

  test("when every ring is lost, the next refresh rings again", async () => {
    const { ran, definition } = noting();
    const bell = noteRings();
    const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
    await tasks.create([{ type: "note" }, { type: "note", scheduled_time: inMs(5 * MINUTE_MS) }]);
    bell.rings.length = 0;
    await worker.refresh();
    const [now, later] = bell.rings;
    expect(now).toMatchObject({ now: {} });
    expect(later?.inMs).toBeGreaterThan(4 * MINUTE_MS);
    await worker.tick(now?.now);
    expect(ran.map(({ id }) => id)).toEqual([1]);
  });
});
