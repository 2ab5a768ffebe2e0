/** What a user sees when Postgres misbehaves: every task runs, and once. */
import { expect, test } from "vitest";
import type { Measurements } from "#core";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { allCompleted } from "../../../support/bed/look.ts";
import { noting } from "../../../support/bed/tasks.ts";
import { hurriedClock } from "../../../support/hurried-clock.ts";

describeOnStacks("Postgres", (bed) => {
  /** Each kind of statement fails so often before it succeeds. */
  const fail = (times: number, error: () => unknown) => {
    const met = new Map<string, number>();
    bed.faults.postgres = (query) => {
      const before = met.get(query) ?? 0;
      met.set(query, before + 1);
      if (before < times) throw error();
    };
    return met;
  };
  const withState = (code: string, message: string) => () => Object.assign(new Error(message), { code });

  test.each([
    ["a serialization failure", withState("40001", "could not serialize access due to concurrent update")],
    ["a deadlock", withState("40P01", "deadlock detected")],
    ["too many connections", withState("53300", "sorry, too many clients already")],
    ["a closed connection", withState("57P01", "terminating connection due to administrator command")],
    ["a statement that took too long", withState("57014", "canceling statement due to statement timeout")],
    ["a broken pipe", withState("EPIPE", "write EPIPE")],
    ["a refused connection", () => new Error("connect ECONNREFUSED 127.0.0.1:5432")],
  ])("answers every statement of a tick with %s, twice: each task runs once", async (_, error) => {
    const { ran, definition } = noting();
    const clock = hurriedClock(20);
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], clock });
    await tasks.create(Array.from({ length: 3 }, () => ({ type: "note" })));
    const met = fail(2, error);
    expect(await worker.tick()).toMatchObject({ completed: 3, lost: 0, ended: "idle" });
    delete bed.faults.postgres;
    expect(met.size).toBeGreaterThanOrEqual(2);
    expect(ran.map(({ id, attempt }) => [id, attempt])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(await allCompleted(bed)).toBe(true);
  });

  test("answers with any other error: the statement is not repeated, for that might not be safe", async () => {
    const { tasks } = bed.make({ doorbell: noteRings(), definitions: [noting().definition] });
    const met = fail(9, withState("42501", "permission denied for table baasix_Tasks"));
    await expect(tasks.create([{ type: "note" }])).rejects.toThrow("permission denied");
    expect([...met.values()]).toEqual([1]);
  });

  test("is out of reach in the middle of a tick: the tick fails, gives the flag back and rings for later", async () => {
    const { definition } = noting();
    const bell = noteRings();
    const clock = hurriedClock(20);
    const { tasks, operator, worker } = bed.make({ doorbell: bell, definitions: [definition], clock });
    await worker.refresh();
    await tasks.create([{ type: "note" }]);
    bed.faults.postgres = () => {
      throw new Error("down");
    };
    // It has rung, so it must not fail: whoever invoked it would try again, too.
    expect(await worker.tick({ askPostgres: true })).toMatchObject({ ended: "failed" });
    const again = { askPostgres: true, failures: 1 };
    expect(bell.rings.at(-1)).toEqual({ afterMs: expect.any(Number), event: again });
    expect(bell.rings.at(-1)?.afterMs).toBeLessThanOrEqual(1.5 * 15_000);
    expect(await operator.isTaskRunning()).toBe(false);
    delete bed.faults.postgres;
    expect(await worker.tick()).toMatchObject({ completed: 1 });
  });

  test("stays out of reach: ticks try again ever later, up to a minute, all at the same time", async () => {
    const { definition } = noting();
    const bell = noteRings();
    const clock = hurriedClock(20);
    const measured: Measurements[] = [];
    const metrics = (m: Measurements) => void measured.push(m);
    const { worker } = bed.make({ doorbell: bell, definitions: [definition], clock, metrics });
    bed.faults.postgres = () => {
      throw new Error("down");
    };
    for (const [failures, pauseMs] of [
      [0, 15_000],
      [1, 30_000],
      [2, 60_000],
      [9, 60_000],
    ] as const) {
      const beganMs = clock.now();
      await worker.tick({ askPostgres: true, failures });
      const { afterMs = 0, event } = bell.rings.at(-1) ?? {};
      expect(event).toEqual({ askPostgres: true, failures: failures + 1 });
      expect(afterMs).toBeGreaterThanOrEqual(pauseMs / 2);
      expect(afterMs).toBeLessThanOrEqual(1.5 * pauseMs);
      // A tick that failed a moment earlier, or later, rings for the same moment.
      const at = clock.now() + afterMs;
      expect(Math.min(at % pauseMs, pauseMs - (at % pauseMs))).toBeLessThan(clock.now() - beganMs + 100);
    }
    expect(measured).toEqual(Array.from({ length: 4 }, () => ({ TicksFailed: 1 })));
  });

  test("is out of reach for several ticks of a process: each counts those before it, until one succeeds", async () => {
    const bell = noteRings();
    const { definition } = noting();
    const { worker } = bed.make({ doorbell: bell, definitions: [definition], clock: hurriedClock(20) });
    const failAgain = async () => {
      bed.faults.postgres = () => {
        throw new Error("down");
      };
      await worker.tick({ askPostgres: true });
      delete bed.faults.postgres;
      return bell.rings.at(-1)?.event?.failures;
    };
    // Others rang for these, who do not know.
    expect([await failAgain(), await failAgain(), await failAgain()]).toEqual([1, 2, 3]);
    await worker.tick({ askPostgres: true });
    expect(await failAgain()).toBe(1);
  });

  test("was out of reach: a tick calls others to free slots only when it has a task", async () => {
    const bell = noteRings();
    const { tasks, worker } = bed.make({
      doorbell: bell,
      definitions: [noting().definition],
      clock: hurriedClock(20),
      env: { TASK_CONCURRENCY: "2" },
    });
    await worker.refresh();
    await tasks.create([{ type: "note" }, { type: "note" }]);
    bell.rings.length = 0;
    bed.faults.postgres = () => {
      throw new Error("down");
    };
    await worker.tick({ failures: 1 });
    expect(bell.rings.map(({ now }) => now)).toEqual([undefined]);
    delete bed.faults.postgres;
    bell.rings.length = 0;
    expect(await worker.tick({ failures: 1 })).toMatchObject({ completed: 2 });
    expect(bell.rings).toEqual([{ now: {} }]);
  });

  test("and the doorbell is, too: the tick fails, so that whoever invoked it tries again", async () => {
    const bell = noteRings();
    bell.ringAfter = () => Promise.reject(new Error("no schedule"));
    const { worker } = bed.make({ doorbell: bell, clock: hurriedClock(20) });
    bed.faults.postgres = () => {
      throw new Error("down");
    };
    await expect(worker.tick({ askPostgres: true })).rejects.toMatchObject({ kind: "unavailable" });
  });
});
