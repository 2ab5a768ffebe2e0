/** What every gate does, and where they differ. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Gate, GateOptions } from "../../../packages/core/gate/gate.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { breakRedis, openGates } from "../../support/bed/gates.ts";
import { keyOf } from "../../support/bed/look.ts";
import { eventually } from "../../support/eventually.ts";

const MINUTE_MS = 60_000;
const a = { token: "a", napMs: MINUTE_MS };
const b = { token: "b", napMs: MINUTE_MS };
const c = { token: "c", napMs: MINUTE_MS };

describeOnStacks("a gate", (bed) => {
  describe.each([
    { name: "Redis", kind: "redis" },
    { name: "Postgres", kind: "postgres" },
    { name: "Postgres while Redis does not answer", kind: "fallback" },
  ] as const)("on $name", ({ kind }) => {
    const cached = kind === "redis";
    const open = (options: Partial<GateOptions> = {}) => openGates(bed, options)[kind];
    const emptyWindow = async () => ({ writes: [], nowMs: Date.now(), cutAtMs: undefined });

    /** A row of the table, and where it stands; the gate is told too. */
    const stands = async (gate: Gate, set: string, values: string, kindOf: Standing["kind"] = "waiting") => {
      const [row] = await bed.sql<{ id: string; rev: string; at_ms: string }>(
        `insert into "baasix_Tasks" (type, ${set}) values ('note', ${values}) returning id, rev,
          ceil(extract(epoch from coalesce(lease_expires_at, scheduled_time)) * 1000) as at_ms`,
      );
      const standing = { id: Number(row?.id), rev: Number(row?.rev), kind: kindOf, atMs: Number(row?.at_ms) };
      await gate.put([standing as Standing]);
      return standing as Extract<Standing, { atMs: number }>;
    };
    const waits = (gate: Gate, inMs: number) =>
      stands(gate, "scheduled_time", `now() + ${inMs} * interval '1 ms'`);
    const runs = (gate: Gate, leaseInMs: number, slot = 0) =>
      stands(
        gate,
        "task_status, scheduled_time, slot, lease_token, lease_expires_at",
        `'Running', now(), ${slot}, 't', now() + ${leaseInMs} * interval '1 ms'`,
        "running",
      );
    /** They are completed; the gate is not told yet. */
    const complete = async (...tasks: { id: number; rev: number }[]): Promise<Standing[]> => {
      await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = any($1::bigint[])`, [
        `{${tasks.map(({ id }) => id)}}`,
      ]);
      return tasks.map(({ id, rev }) => ({ id, rev: rev + 1, kind: "gone" }));
    };

    let gate: Gate;
    beforeEach(async () => {
      if (kind === "fallback") breakRedis(bed);
      gate = open();
      // Without a cache there is nothing that an empty Redis could be mistaken for.
      if (cached) expect(await gate.enter(a)).toEqual({ kind: "unknown" });
      await gate.rebuild(emptyWindow);
    });

    describe("enter", () => {
      test("nothing waits: idle, and no time to ring for", async () => {
        expect(await gate.enter(a)).toEqual({ kind: "idle", next: undefined, lease: undefined });
        expect(await gate.isRunning()).toBe(false);
      });

      test("a task is due: the flag goes to one tick, and another learns when it ends", async () => {
        const { id } = await waits(gate, -1_000);
        // Without a cache, no ids are known.
        expect(await gate.enter(a)).toEqual({ kind: "go", slot: 0, more: false, seen: cached ? [id] : [] });
        const held = await gate.enter(b);
        expect(held).toEqual({ kind: "held", freeInMs: expect.any(Number) });
        expect(held.kind === "held" && held.freeInMs).toBeGreaterThan(50_000);
        expect(held.kind === "held" && held.freeInMs).toBeLessThanOrEqual(MINUTE_MS);
        expect(await gate.isRunning()).toBe(true);
      });

      test("a tick whose answer was lost asks again and has the same flag", async () => {
        await waits(gate, -1_000);
        await gate.enter(a);
        expect(await gate.enter(a)).toMatchObject({ kind: "go", slot: 0 });
      });

      test("a flag that nobody renews ends", async () => {
        await waits(gate, -1_000);
        await open({ flagTtlMs: 50 }).enter(a);
        expect(
          await eventually(async () => gate.enter(b).then((step) => step.kind === "go" && step)),
        ).toMatchObject({
          slot: 0,
        });
      });

      test("a lease that ended is due like a task; one that lives is looked after when it ends", async () => {
        const lives = await runs(gate, 30_000);
        const lease = { atMs: lives.atMs, inMs: expect.any(Number) };
        // Postgres has one next time for both.
        expect(await gate.enter(a)).toEqual(
          cached
            ? { kind: "idle", next: undefined, lease }
            : { kind: "sleep", until: lease, lease: undefined },
        );
        const ended = await runs(gate, -1_000, 1);
        expect(await gate.enter(a)).toMatchObject({ kind: "go", seen: cached ? [ended.id] : [] });
      });

      test("a task that another program runs is never due", async () => {
        await stands(gate, "scheduled_time", "now() - interval '1 s'", "foreign");
        await bed.sql(`update "baasix_Tasks" set type = 'of others'`);
        expect(await gate.enter(a)).toEqual({ kind: "idle", next: undefined, lease: undefined });
      });

      test("due later than the tick would sleep: idle until then", async () => {
        const { atMs } = await waits(gate, 2 * MINUTE_MS);
        const step = await gate.enter(a);
        expect(step).toEqual({ kind: "idle", next: { atMs, inMs: expect.any(Number) }, lease: undefined });
        expect(step.kind === "idle" && step.next?.inMs).toBeGreaterThan(1.9 * MINUTE_MS);
        expect(step.kind === "idle" && step.next?.inMs).toBeLessThanOrEqual(2 * MINUTE_MS);
      });
    });

    describe("of those that sleep", () => {
      test("one sleeps, and another learns when it wakes up", async () => {
        const { atMs } = await waits(gate, 30_000);
        const then = { atMs, inMs: expect.any(Number) };
        expect(await gate.enter(a)).toEqual({ kind: "sleep", until: then, lease: undefined });
        expect(await gate.enter(b)).toEqual({ kind: "asleep", wake: then, lease: undefined });
        expect(await gate.isRunning()).toBe(false);
      });

      test("the sleeper that enters again sleeps on", async () => {
        await waits(gate, 30_000);
        await gate.enter(a);
        expect(await gate.enter(a)).toMatchObject({ kind: "sleep" });
      });

      test("an earlier wake-up replaces a later one", async () => {
        await waits(gate, 50_000);
        await gate.enter(a);
        const { atMs } = await waits(gate, 20_000);
        expect(await gate.enter(b)).toMatchObject({ kind: "sleep", until: { atMs } });
        expect(await gate.enter(a)).toMatchObject({ kind: "asleep", wake: { atMs } });
      });

      test("one that is released is the sleeper no more", async () => {
        await waits(gate, 30_000);
        await gate.enter(a);
        expect(await gate.release("a", 0, [])).toEqual({ more: true });
        expect(await gate.enter(b)).toMatchObject({ kind: "sleep" });
      });

      test("one that wakes up in time takes a flag", async () => {
        await waits(gate, 150);
        expect(await gate.enter(a)).toMatchObject({ kind: "sleep" });
        expect(await eventually(async () => (await gate.enter(a)).kind === "go")).toBe(true);
      });
    });

    describe("leave", () => {
      test("while something is due, the flag stays", async () => {
        const [first, second] = [await waits(gate, -2_000), await waits(gate, -1_000)];
        await gate.enter(a);
        expect(await gate.leave(a, 0, await complete(first))).toEqual({
          kind: "go",
          slot: 0,
          more: false,
          seen: cached ? [second.id] : [],
        });
        expect(await gate.enter(b)).toMatchObject({ kind: "held" });
      });

      test("when nothing is due, the flag is released", async () => {
        const task = await waits(gate, -1_000);
        await gate.enter(a);
        expect(await gate.leave(a, 0, await complete(task))).toEqual({
          kind: "idle",
          next: undefined,
          lease: undefined,
        });
        expect(await gate.isRunning()).toBe(false);
      });

      test("when something is due soon, the tick sleeps without a flag", async () => {
        const task = await waits(gate, -1_000);
        const { atMs } = await waits(gate, 30_000);
        await gate.enter(a);
        expect(await gate.leave(a, 0, await complete(task))).toMatchObject({
          kind: "sleep",
          until: { atMs },
        });
        expect(await gate.isRunning()).toBe(false);
      });

      test("a flag that another tick has by now is left to it", async () => {
        const task = await waits(gate, -1_000);
        await gate.enter(a);
        await gate.setRunning(false);
        await gate.enter(b);
        const standings = await complete(task);
        expect(await gate.leave(a, 0, standings)).toMatchObject({ kind: "idle" });
        expect(await gate.isRunning()).toBe(true);
      });

      test("a flag that another tick has by now is held, whatever is due", async () => {
        await waits(gate, -1_000);
        await gate.enter(a);
        await gate.setRunning(false);
        await gate.enter(b);
        expect(await gate.leave(a, 0, [])).toMatchObject({ kind: "held" });
        expect(await gate.enter(b)).toMatchObject({ kind: "go" });
      });
    });

    describe("release", () => {
      test("whatever is due, another tick can have the flag", async () => {
        await waits(gate, -1_000);
        await gate.enter(a);
        expect(await gate.release("a", 0, [])).toEqual({ more: true });
        expect(await gate.enter(b)).toMatchObject({ kind: "go", slot: 0 });
      });

      test("says whether something is due, or will be as soon as a ring may be early", async () => {
        const task = await waits(gate, -1_000);
        await waits(gate, 90_000);
        await gate.enter(a);
        expect(await gate.release("a", 0, await complete(task))).toEqual({ more: false });
        expect(await open({ earlyMs: 100_000 }).release("a", 0, [])).toEqual({ more: true });
      });

      test("needs the token", async () => {
        await waits(gate, -1_000);
        await gate.enter(a);
        await gate.release("b", 0, []);
        expect(await gate.enter(c)).toMatchObject({ kind: "held" });
      });
    });

    describe("renew", () => {
      test("the flag lives longer", async () => {
        await waits(gate, -1_000);
        await open({ flagTtlMs: 10_000 }).enter(a);
        expect(await gate.renew("a", 0, [])).toMatchObject({ kept: true });
        const step = await gate.enter(b);
        expect(step.kind === "held" && step.freeInMs).toBeGreaterThan(50_000);
      });

      test("a flag that was lost is taken again", async () => {
        expect(await gate.renew("a", 0, [])).toMatchObject({ kept: true });
        expect(await gate.isRunning()).toBe(true);
      });

      test("a flag that another tick has is left to it", async () => {
        await waits(gate, -1_000);
        await gate.enter(b);
        expect(await gate.renew("a", 0, [])).toMatchObject({ kept: false });
        expect(await gate.enter(b)).toMatchObject({ kind: "go" });
      });

      test("says whether a lease has ended, and whether more is due and another slot free", async () => {
        gate = open({ slots: 2 });
        await waits(gate, -1_000);
        // Postgres would have to be asked for it; the next settle looks.
        if (!cached)
          return expect(await gate.renew("a", 0, [])).toEqual({ kept: true, overdue: true, more: false });
        const nothing = { kept: true, overdue: false, more: false };
        // The caller takes the one that is due itself.
        expect(await gate.renew("a", 0, [])).toEqual(nothing);
        await waits(gate, 30_000);
        expect(await gate.renew("a", 0, [])).toEqual({ ...nothing, more: true });
        await gate.renew("b", 1, []);
        expect(await gate.renew("a", 0, [])).toEqual(nothing);
        await bed.redis("DEL", keyOf(bed, "flag:0"));
        expect(await gate.renew("a", 0, [])).toEqual(nothing);
        await runs(gate, -1_000);
        expect(await gate.renew("a", 0, [])).toEqual({ ...nothing, overdue: true });
      });
    });

    describe("with three slots", () => {
      beforeEach(() => {
        gate = open({ slots: 3 });
      });

      test("each tick has one of its own, until none is free", async () => {
        await waits(gate, -1_000);
        await waits(gate, 30_000);
        expect(await gate.enter(a)).toMatchObject({ kind: "go", slot: 0, more: true });
        expect(await gate.enter(b)).toMatchObject({ kind: "go", slot: 1, more: true });
        expect(await gate.enter(c)).toMatchObject({ kind: "go", slot: 2, more: false });
        expect(await gate.enter({ token: "d", napMs: 0 })).toMatchObject({ kind: "held" });
      });

      test("a slot that becomes free is the next one's; a tick that goes on keeps its own", async () => {
        await waits(gate, -1_000);
        for (const asks of [a, b, c]) await gate.enter(asks);
        await gate.release("b", 1, []);
        expect(await gate.leave(c, 2, [])).toMatchObject({ kind: "go", slot: 2 });
        expect(await gate.enter({ token: "d", napMs: 0 })).toMatchObject({ kind: "go", slot: 1 });
      });

      test("with one task due and no other soon, no other tick is called", async () => {
        await waits(gate, -1_000);
        // Postgres does not count what is due: a tick too many costs one query.
        expect(await gate.enter(a)).toMatchObject({ kind: "go", more: !cached });
      });

      test("held until the first flag ends", async () => {
        await waits(gate, -1_000);
        const ttlsMs = { a: 60_000, b: 20_000, c: 40_000 };
        for (const [token, flagTtlMs] of Object.entries(ttlsMs))
          await open({ slots: 3, flagTtlMs }).enter({ token, napMs: 0 });
        const step = await gate.enter({ token: "d", napMs: 0 });
        expect(step.kind === "held" && step.freeInMs).toBeLessThanOrEqual(20_000);
        expect(step.kind === "held" && step.freeInMs).toBeGreaterThan(10_000);
      });
    });

    describe("the operator", () => {
      test("holds all flags, and no tick gets one", async () => {
        gate = open({ slots: 2 });
        await waits(gate, -1_000);
        await gate.setRunning(true);
        expect(await gate.isRunning()).toBe(true);
        const step = await gate.enter(a);
        expect(step.kind === "held" && step.freeInMs).toBeGreaterThan(800_000);
      });

      test("leaves a tick its flag", async () => {
        await waits(gate, -1_000);
        await gate.enter(a);
        await gate.setRunning(true);
        expect(await gate.enter(a)).toMatchObject({ kind: "go" });
      });

      test("releases all flags, whoever holds them", async () => {
        gate = open({ slots: 2 });
        await waits(gate, -1_000);
        await gate.enter(a);
        await gate.setRunning(true);
        await gate.setRunning(false);
        expect(await gate.isRunning()).toBe(false);
        expect(await gate.enter(b)).toMatchObject({ kind: "go", slot: 0 });
      });
    });

    test("put says whether the change arrived", async () => {
      expect(await gate.put([{ id: 1, rev: 1, kind: "waiting", atMs: Date.now() }])).toBe(
        kind !== "fallback",
      );
    });

    test("rebuild reads the window once, and its failure is the caller's", async () => {
      let read = 0;
      const window = async () => {
        read++;
        return emptyWindow();
      };
      expect(await gate.rebuild(window)).toBe(true);
      expect(read).toBe(1);
      const broken = async () => Promise.reject(new Error("no window"));
      await expect(gate.rebuild(broken)).rejects.toThrow("no window");
    });

    test("list has the rows that are cached; without a cache, Postgres has to be asked", async () => {
      const task = await waits(gate, MINUTE_MS);
      const [row] = await bed.sql<{ task: string }>(`select row_to_json(t) as task from "baasix_Tasks" t`);
      const whole = JSON.parse(row?.task ?? "");
      const other = await waits(gate, 2 * MINUTE_MS);
      await gate.put([{ ...task, kind: "waiting", task: whole }]);
      expect(await gate.list()).toEqual(cached ? [whole, other.id] : undefined);
    });

    test("look counts, and says who holds flags and when the window was read", async () => {
      if (kind === "fallback") return expect(gate.look()).rejects.toThrow("connection refused");
      const empty = { waiting: 0, tickRuns: false, operatorRuns: false, refreshedMs: expect.any(Number) };
      expect(await gate.look()).toEqual(empty);
      await waits(gate, -1_000);
      await waits(gate, MINUTE_MS);
      await gate.enter(a);
      expect(await gate.look()).toEqual({ ...empty, waiting: 2, tickRuns: true });
      await gate.setRunning(false);
      await gate.setRunning(true);
      // Postgres does not say whose flags they are.
      expect(await gate.look()).toEqual({ ...empty, waiting: 2, tickRuns: !cached, operatorRuns: cached });
    });
  });
});
