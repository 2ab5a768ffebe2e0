/** What ticks do together, each in a process of its own. */
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logOf, metricsOf } from "../support/lambda/log-lines.ts";
import type { Stage } from "../support/lambda/stage.ts";
import { storesAreOn } from "../support/lambda/stores.ts";
import { useStages } from "../support/lambda/use-stages.ts";

const SECOND_MS = 1_000;
/** Everything here is over long before, on a machine with time to spare. */
const LIMIT = { limitMs: 40 * SECOND_MS };

const calls = (stage: Stage, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    type: "http_request",
    task_data: { url: `${stage.web.url}/${n}` },
  }));
const statuses = async ({ sql }: Stage) =>
  (await sql(`select distinct task_status from "baasix_Tasks"`)).flat();

describe(`on ${storesAreOn}`, () => {
  const open = useStages();

  describe.concurrent("a tick", { timeout: 60 * SECOND_MS }, () => {
    test("runs a hundred tasks, one after the other, at one request to Postgres each", async () => {
      const stage = await open();
      const events: unknown[] = [];
      stage.deliver = (event) => events.push(event);
      // It runs alone, on a cache that is there, so that what it costs can be counted.
      await stage.tick.invoke({ askPostgres: true });
      await stage.post(calls(stage, 100));
      expect(events).toEqual([{}]);
      const before = stage.neon.requests;
      expect(await stage.tick.invoke({})).toMatchObject({ payload: { completed: 100, ended: "idle" } });
      expect(stage.neon.requests - before).toBeLessThanOrEqual(102);
      expect(await statuses(stage)).toEqual(["Completed"]);
      expect(stage.web.hits.map(({ path }) => path)).toEqual(Array.from({ length: 100 }, (_, n) => `/${n}`));
      expect(stage.web.mostAtOnce()).toBe(1);

      const done = logOf(stage.tick).filter(({ message }) => message === "task completed");
      expect(new Set(done.map(({ task }) => task)).size).toBe(100);
      expect(metricsOf(stage.tick).at(-1)).toMatchObject({
        Namespace: "Tickwork",
        TasksCompleted: 100,
        TasksFailed: 0,
        TaskDurationMilliseconds: expect.arrayContaining([expect.any(Number)]),
        TaskLatenessMilliseconds: expect.arrayContaining([expect.any(Number)]),
      });
    });

    test("sleeps until its task is due", async () => {
      const stage = await open();
      // Warm, so that what is measured is the sleep and not the start.
      await Promise.all([stage.tick.invoke({}), stage.call("GET", "/tasks")]);
      const dueAtMs = Date.now() + 2_500;
      const scheduled_time = new Date(dueAtMs).toISOString();
      const [call] = calls(stage, 1);
      await stage.post([{ ...call, scheduled_time }]);
      const hit = await eventually(() => stage.web.hits[0], LIMIT);
      expect(hit.arrivedAtMs).toBeGreaterThanOrEqual(dueAtMs);
      expect(hit.arrivedAtMs - dueAtMs).toBeLessThan(5_000);
      await eventually(() => stage.tick.idle(), LIMIT);
      expect(stage.tick.attempts.map(({ ok }) => ok)).toEqual([true, true]);
    });

    test("that comes five times for one ring runs every task once, one at a time", async () => {
      const stage = await open();
      stage.deliver = (event) => {
        for (let n = 0; n < 5; n++) stage.tick.invokeAsync(event);
      };
      stage.web.answer = () => new Promise((resolve) => setTimeout(resolve, 20, { status: 200 }));
      await stage.post(calls(stage, 10));
      await eventually(() => stage.tick.attempts.length >= 5 && stage.tick.idle(), LIMIT);
      expect(await statuses(stage)).toEqual(["Completed"]);
      expect(stage.web.hits).toHaveLength(10);
      expect(new Set(stage.web.hits.map(({ path }) => path)).size).toBe(10);
      expect(stage.web.mostAtOnce()).toBe(1);
      // They really were several at a time.
      expect(new Set(stage.tick.attempts.map(({ pid }) => pid)).size).toBeGreaterThan(1);
      expect(stage.tick.attempts.every(({ ok }) => ok)).toBe(true);
    });

    test("rings for others while slots are free: three tasks at a time, never more", async () => {
      const stage = await open({ env: { TASK_CONCURRENCY: "3" } });
      stage.web.answer = async () => {
        // Held until three are there, or it is plain that no third one comes.
        await eventually(() => stage.web.mostAtOnce() >= 3, { limitMs: 10_000 }).catch(() => {});
        return { status: 200 };
      };
      await stage.post(calls(stage, 9));
      await eventually(async () => (await statuses(stage)).join() === "Completed", LIMIT);
      expect(stage.web.mostAtOnce()).toBe(3);
      expect(stage.web.hits).toHaveLength(9);
    });
  });
});
