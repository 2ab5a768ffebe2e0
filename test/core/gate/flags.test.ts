/** Who holds the flags: they are released, renewed and lost, one a slot, under any gate. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Gate } from "../../../packages/core/gate/gate.ts";
import { describeGates } from "../../support/bed/describe-gates.ts";
import { keyOf } from "../../support/bed/look.ts";

const MINUTE_MS = 60_000;
const a = { token: "a", napMs: MINUTE_MS };
const b = { token: "b", napMs: MINUTE_MS };
const c = { token: "c", napMs: MINUTE_MS };

describeGates("the flags of a gate", ({ bed, cached, open, waits, runs, complete }) => {
  let gate: Gate;
  beforeEach(() => {
    gate = open();
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
});
