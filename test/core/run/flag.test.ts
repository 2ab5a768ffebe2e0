import { describe, expect, test } from "vitest";
import { createRinger } from "../../../packages/core/doorbell/ringer.ts";
import type { Decision, Gate, Renewal } from "../../../packages/core/gate/gate.ts";
import { STANDINGS_PER_FLUSH } from "../../../packages/core/limits.ts";
import { createFlag } from "../../../packages/core/run/flag.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { fakeGate } from "../../support/run/fake-gate.ts";
import { noteLog } from "../../support/run/noted-log.ts";
import { createVirtualClock } from "../../support/world/virtual-clock.ts";

const LEASE_MS = 60_000;
const TOKEN = "token of the tick";
const kept: Renewal = { kept: true, overdue: false, more: false };
const gone = (id: number): Standing => ({ id, rev: 2, kind: "gone" });
const IDLE: Decision = { kind: "idle", next: undefined, lease: undefined };

/** The flag of a tick that works in slot 2, on a gate that answers as given. */
function hold(answers: Partial<Gate> = {}) {
  const clock = createVirtualClock();
  const { log, lines } = noteLog();
  const bell = noteRings();
  const { gate, calls } = fakeGate({
    renew: async () => kept,
    leave: async () => IDLE,
    release: async () => ({ more: false }),
    ...answers,
  });
  const ringer = createRinger(bell, clock, log, { horizonMs: LEASE_MS });
  const flag = createFlag({ gate, ringer, clock, log, leaseMs: LEASE_MS }, TOKEN);
  flag.hold(2);
  const asked = (name: keyof Gate) => calls.filter((call) => call.name === name).map(({ args }) => args);
  return { flag, clock, bell, lines, asked, calls };
}

describe("a renewal", () => {
  test("brings the gate everything that was noted since, once", async () => {
    const { flag, clock, asked } = hold();
    flag.note(gone(1), gone(2));
    flag.note(gone(3));
    flag.renew();
    await clock.pass(0);
    flag.renew();
    await clock.pass(0);
    expect(asked("renew")).toEqual([
      [TOKEN, 2, [gone(1), gone(2), gone(3)]],
      [TOKEN, 2, []],
    ]);
  });

  test("is due after a third of the flag's life, or when much was noted", async () => {
    const { flag, clock, asked } = hold();
    await clock.pass(LEASE_MS / 3 - 1);
    flag.renewIfDue();
    expect(asked("renew")).toHaveLength(0);
    await clock.pass(1);
    flag.renewIfDue();
    await clock.pass(0);
    expect(asked("renew")).toHaveLength(1);
    for (let id = 1; id < STANDINGS_PER_FLUSH; id++) flag.note(gone(id));
    flag.renewIfDue();
    expect(asked("renew")).toHaveLength(1);
    flag.note(gone(STANDINGS_PER_FLUSH));
    flag.renewIfDue();
    expect(asked("renew")).toHaveLength(2);
  });

  test("is sent only when the one before was answered", async () => {
    const { flag, clock, asked } = hold({ renew: () => new Promise(() => {}) });
    flag.renew();
    flag.renew();
    await clock.pass(LEASE_MS);
    flag.renewIfDue();
    expect(asked("renew")).toHaveLength(1);
  });

  test("says whether another tick has the flag, and whether some lease has ended", async () => {
    const { flag, clock } = hold({ renew: async () => ({ kept: false, overdue: true, more: false }) });
    expect([flag.lost, flag.overdue]).toEqual([false, false]);
    flag.renew();
    await clock.pass(0);
    expect([flag.lost, flag.overdue]).toEqual([true, true]);
    flag.hold(2);
    expect(flag.lost).toBe(false);
  });

  test("that fails costs the tick nothing but a line in the log", async () => {
    const { flag, clock, lines } = hold({ renew: () => Promise.reject(new Error("Redis is down")) });
    flag.renew();
    await clock.pass(0);
    expect(flag.lost).toBe(false);
    expect(lines).toMatchObject([{ level: "warn", error: "Redis is down" }]);
  });

  test("rings for a slot that is free, now and then (rule 13)", async () => {
    const { flag, clock, bell } = hold({ renew: async () => ({ ...kept, more: true }) });
    const rings: number[] = [];
    for (const ms of [0, 1_000, LEASE_MS / 3 - 1_001, 1]) {
      await clock.pass(ms);
      flag.renew();
      await clock.pass(0);
      rings.push(bell.rings.length);
    }
    expect(rings).toEqual([1, 1, 1, 2]);
  });
});

describe("a task that waits again", () => {
  test("is announced to the gate first, and then rung for (rule 13)", async () => {
    let answer = () => {};
    const { flag, clock, bell, asked } = hold({
      renew: () =>
        new Promise((resolve) => {
          answer = () => resolve(kept);
        }),
    });
    const due = { atMs: clock.now() + 30, inMs: 30 };
    flag.note({ id: 5, rev: 3, kind: "waiting", atMs: due.atMs });
    flag.announce(5, due);
    await clock.pass(0);
    expect(asked("renew")).toMatchObject([[TOKEN, 2, [{ id: 5, kind: "waiting" }]]]);
    expect(bell.rings).toEqual([]);
    answer();
    await clock.pass(0);
    expect(bell.rings).toEqual([{ atMs: due.atMs, inMs: 30 }]);
  });

  test("while a renewal is under way is announced by another one right after it", async () => {
    const answers: (() => void)[] = [];
    const { flag, clock, bell, asked } = hold({
      renew: () => new Promise((resolve) => answers.push(() => resolve(kept))),
    });
    flag.renew();
    flag.announce(5, { atMs: clock.now() + 30, inMs: 30 });
    await clock.pass(0);
    answers[0]?.();
    await clock.pass(0);
    expect([asked("renew").length, bell.rings.length]).toEqual([2, 0]);
    answers[1]?.();
    await clock.pass(0);
    expect(bell.rings).toHaveLength(1);
  });

  test("is rung for although the gate does not answer", async () => {
    const { flag, clock, bell } = hold({ renew: () => Promise.reject(new Error("Redis is down")) });
    flag.announce(5, { atMs: clock.now() + 30, inMs: 30 });
    await clock.pass(0);
    expect(bell.rings).toHaveLength(1);
  });
});

describe("giving the flag back", () => {
  test.each(["leave", "release"] as const)(
    "%s waits for a renewal under way, which might take the flag again",
    async (way) => {
      let answer = () => {};
      const { flag, clock, calls } = hold({
        renew: () =>
          new Promise((resolve) => {
            answer = () => resolve(kept);
          }),
      });
      flag.renew();
      flag.note(gone(1));
      const given = way === "leave" ? flag.leave(5_000) : flag.release();
      await clock.pass(LEASE_MS);
      expect(calls.map(({ name }) => name)).toEqual(["renew"]);
      answer();
      await given;
      expect(calls.map(({ name }) => name)).toEqual(["renew", way]);
      // What was noted meanwhile goes with it.
      expect(calls.at(-1)?.args).toContainEqual([gone(1)]);
    },
  );

  test("leave says for how long the tick would sleep, and returns what the gate decides", async () => {
    const { flag, asked } = hold();
    expect(await flag.leave(5_000)).toEqual(IDLE);
    expect(asked("leave")).toEqual([[{ token: TOKEN, napMs: 5_000 }, 2, []]]);
  });

  test("release names the slot, and returns whether more is due", async () => {
    const { flag, asked } = hold({ release: async () => ({ more: true }) });
    expect(await flag.release()).toEqual({ more: true });
    expect(asked("release")).toEqual([[TOKEN, 2, []]]);
  });

  test("after a failure releases a flag that is held, and only that", async () => {
    const { flag, asked } = hold();
    await flag.tryRelease();
    await flag.tryRelease();
    expect(asked("release")).toHaveLength(1);
  });

  test("after a failure releases no flag that the gate took back when the tick left", async () => {
    const { flag, asked } = hold();
    await flag.leave(0);
    await flag.tryRelease();
    expect(asked("release")).toEqual([]);
  });

  test("after a failure, when the gate decided to go on, releases as well", async () => {
    const go: Decision = { kind: "go", slot: 2, more: false, seen: [] };
    const { flag, asked } = hold({ leave: async () => go });
    await flag.leave(0);
    await flag.tryRelease();
    expect(asked("release")).toHaveLength(1);
  });

  test("after a failure may fail, too: then the flag expires", async () => {
    const { flag, lines } = hold({ release: () => Promise.reject(new Error("Redis is down")) });
    await flag.tryRelease();
    expect(lines).toMatchObject([{ level: "warn", error: "Redis is down" }]);
  });
});

test("entering names the tick and how long it would sleep", async () => {
  const { flag, asked } = hold({ enter: async () => IDLE });
  expect(await flag.enter(7_000)).toEqual(IDLE);
  expect(asked("enter")).toEqual([[{ token: TOKEN, napMs: 7_000 }]]);
});
