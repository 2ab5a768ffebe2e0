/** What every gate does, and where they differ. `flags.test.ts` goes on with the flags. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Gate } from "../../../packages/core/gate/gate.ts";
import { describeGates, emptyWindow } from "../../support/bed/describe-gates.ts";
import { eventually } from "../../support/eventually.ts";

const MINUTE_MS = 60_000;
const a = { token: "a", napMs: MINUTE_MS };
const b = { token: "b", napMs: MINUTE_MS };

describeGates("a gate", ({ bed, cached, stoodIn, open, waits, waitsElsewhere, runs, complete }) => {
  let gate: Gate;
  beforeEach(() => {
    gate = open();
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
        cached ? { kind: "idle", next: undefined, lease } : { kind: "sleep", until: lease, lease: undefined },
      );
      const ended = await runs(gate, -1_000, 1);
      expect(await gate.enter(a)).toMatchObject({ kind: "go", seen: cached ? [ended.id] : [] });
    });

    test("a task that another program runs is never due", async () => {
      await waitsElsewhere(gate);
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

  test("put says whether the change arrived, and how much of it is news", async () => {
    const put = () => gate.put([{ id: 1, rev: 1, kind: "waiting", atMs: Date.now() }]);
    // Without a cache, nothing tells.
    expect(await put()).toBe(stoodIn ? undefined : cached ? 1 : 0);
    expect(await put()).toBe(stoodIn ? undefined : 0);
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

  test("list has what waits, and rows those that are cached; without a cache, Postgres has to be asked", async () => {
    const task = await waits(gate, MINUTE_MS);
    const [row] = await bed.sql<{ task: string }>(`select row_to_json(t) as task from "baasix_Tasks" t`);
    const whole = JSON.parse(row?.task ?? "");
    const other = await waits(gate, 2 * MINUTE_MS);
    await gate.put([{ ...task, kind: "waiting", task: whole }]);
    const due = [task, other].map(({ id, atMs }) => ({ id, atMs }));
    expect(await gate.list()).toEqual(cached ? due : undefined);
    expect(await gate.rows([task.id, other.id])).toEqual([cached ? whole : undefined, undefined]);
  });

  test("look counts, and says who holds flags and when the window was read", async () => {
    if (stoodIn) return expect(gate.look()).rejects.toThrow("connection refused");
    const empty = {
      waiting: 0,
      tickRuns: false,
      operatorRuns: false,
      refreshedMs: expect.any(Number),
      waitingForCode: 0,
      pauses: [],
      ...(cached ? { readMs: expect.any(Number) } : {}),
    };
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
