import { describe, expect, test } from "vitest";
import { type Clock, systemClock } from "#core";
import type { MakeOptions } from "../../support/bed/bed.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting } from "../../support/bed/tasks.ts";

const INTERVAL_MS = 600_000;

/** Tells the time that the test sets, ahead of the real one; waits no time at all. */
function clockAhead() {
  let aheadMs = 0;
  const clock: Clock = {
    now: () => Date.now() + aheadMs,
    sleep: async () => {},
    after: systemClock.after,
  };
  return {
    clock,
    pass: (ms: number) => {
      aheadMs += ms;
    },
  };
}

const withState = (code: string) => () => {
  throw Object.assign(new Error("could not write to file on 10.0.0.7: SECRET"), { code });
};
const unreachable = () => {
  throw new Error("connect ECONNREFUSED 10.0.0.7:5432 SECRET");
};

describeOnStacks("the health", (bed) => {
  const make = (options: MakeOptions = {}) => {
    const { clock, pass } = clockAhead();
    const made = bed.make({ doorbell: noteRings(), definitions: [noting().definition], clock, ...options });
    const health = async () => {
      const { healthy, stats } = await made.operator.getHealth();
      expect(stats.error ?? "").not.toContain("SECRET");
      expect(healthy).toBe(stats.error === undefined);
      return healthy || stats.error;
    };
    return { ...made, pass, health };
  };

  describe.each([
    ["with a cache", "true"],
    ["without", "false"],
  ])("%s", (_, CACHE_ENABLED) => {
    const options = { env: { CACHE_ENABLED } };

    test("a fresh start is healthy for two intervals, and then only if there was a refresh", async () => {
      const { health, pass, worker } = make(options);
      expect(await health()).toBe(true);
      pass(2 * INTERVAL_MS - 1_000);
      expect(await health()).toBe(true);
      pass(2_000);
      expect(await health()).toBe("the last refresh is more than 1200 s ago");
      await worker.refresh();
      // By the servers' clocks, the refresh was long ago for the process that is ahead of them.
      expect(await make(options).health()).toBe(true);
    });

    test("what a process finds that has just started may be old", async () => {
      await make(options).worker.refresh();
      const { clock, pass } = clockAhead();
      pass(3 * INTERVAL_MS);
      const late = make({ ...options, clock });
      expect(await late.health()).toBe(true);
      pass(INTERVAL_MS);
      expect(await late.health()).toBe("the last refresh is more than 1200 s ago");
    });

    test("Postgres that failed is unhealthy at once, and healthy when it is back, without any other request", async () => {
      const { health, tasks, worker } = make(options);
      await worker.refresh();
      expect(await health()).toBe(true);
      bed.faults.postgres = unreachable;
      await expect(tasks.list({ limit: 1 })).rejects.toThrow();
      expect(await health()).toBe("Postgres failed when it was last asked");
      delete bed.faults.postgres;
      expect(await health()).toBe(true);
    });

    test("a full disk is unhealthy until a task is written again, however well reads go", async () => {
      const { health, tasks, worker } = make(options);
      await worker.refresh();
      bed.faults.postgres = (text) => {
        if (text.includes("insert into")) withState("53100")();
      };
      await expect(tasks.create([{ type: "note" }])).rejects.toThrow();
      await tasks.list({ limit: 1 });
      expect(await health()).toBe("the last write of a task failed");
      delete bed.faults.postgres;
      expect(await health()).toBe("the last write of a task failed");
      await tasks.create([{ type: "note" }]);
      expect(await health()).toBe(true);
    });

    test("what is the caller's fault, or passes by itself, is not unhealthy", async () => {
      const { health, tasks } = make(options);
      for (const code of ["22P02", "23503", "40P01", "57014"]) {
        bed.faults.postgres = withState(code);
        await expect(tasks.create([{ type: "note" }])).rejects.toThrow();
        delete bed.faults.postgres;
        expect(await health()).toBe(true);
      }
    });
  });

  test("says when what was last reached", async () => {
    const { operator, tasks, worker } = make();
    const nothing = { postgres: null, redis: expect.any(String), refresh: null, write: null };
    expect((await operator.getHealth()).last).toEqual(nothing);
    await worker.refresh();
    const { last } = await operator.getHealth();
    expect(last).toEqual({ ...nothing, postgres: expect.any(String), refresh: expect.any(String) });
    await tasks.create([{ type: "note" }]);
    expect(Date.parse((await operator.getHealth()).last.write ?? "")).toBeCloseTo(Date.now(), -4);
  });

  test("asks Redis once, and Postgres nothing", async () => {
    const { health, worker } = make();
    await worker.refresh();
    bed.counts.reset();
    await health();
    expect(bed.counts).toMatchObject({ redis: 1, postgres: 0 });
  });

  test("asks Postgres once in an interval where there is no cache", async () => {
    const { health, pass, worker } = make({ env: { CACHE_ENABLED: "false" } });
    await worker.refresh();
    bed.counts.reset();
    for (let n = 0; n < 10; n++) {
      await health();
      pass(INTERVAL_MS / 5);
    }
    expect(bed.counts.postgres).toBe(2);
  });

  test("does not wait for a server that is silent", async () => {
    const { operator } = make({
      clock: { ...systemClock, after: (ms, act) => systemClock.after(ms / 100, act) },
    });
    bed.faults.redis = () => new Promise(() => {});
    expect((await operator.getHealth()).stats.error).toBe("Redis does not answer");
  });
});
