import { describe, expect, test } from "vitest";
import type { Task } from "#core";
import { type Before, whyLate } from "../../../packages/core/run/lateness.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { gated, noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";
import { aTask } from "../../support/run/rows.ts";

describe("a task that started after it was due", () => {
  const DUE_MS = Date.parse("2026-11-24T09:00:00.000Z");
  const at = (ms: number) => new Date(DUE_MS + ms).toISOString();
  const nothing: Before = {
    previous: undefined,
    cacheMissed: false,
    flagWasHeld: false,
    foundByRefresh: false,
  };
  const startedAfter = (ms: number, before: Partial<Before> = {}, task: Partial<Task> = {}) =>
    whyLate(aTask({ scheduled_time: at(0), createdAt: at(-60_000), started_at: at(ms), ...task }), {
      ...nothing,
      ...before,
    });

  test("is late after more than a second", () => {
    expect(startedAfter(1_000)).toBeUndefined();
    expect(startedAfter(1_001)).toEqual({ ms: 1_001, reason: "wake_up" });
  });

  test("is not late when it was created with a time in the past", () => {
    expect(startedAfter(90_000, {}, { createdAt: at(89_500) })).toBeUndefined();
  });

  test("waited for the task before it only if that one ended after it was due", () => {
    const previous = { id: 3, endedAtMs: DUE_MS + 4_000 };
    expect(startedAfter(5_000, { previous })).toEqual({ ms: 5_000, reason: "flag_held", task: 3 });
    expect(startedAfter(5_000, { previous: { id: 3, endedAtMs: DUE_MS } })).toMatchObject({
      reason: "wake_up",
    });
  });

  test("blames a crash before anything else", () => {
    const crashed = {
      attempt: 1,
      started_at: at(1),
      ended_at: at(2),
      outcome: "crashed",
      message: "",
    } as const;
    const everything = {
      previous: { id: 3, endedAtMs: DUE_MS + 1 },
      cacheMissed: true,
      foundByRefresh: true,
    };
    expect(startedAfter(5_000, everything, { history: [crashed] })).toEqual({ ms: 5_000, reason: "crash" });
  });

  test("waited in line if it stands in one, whoever woke up", () => {
    expect(startedAfter(500_000, { foundByRefresh: true }, { lane: "a lane" })).toEqual({
      ms: 500_000,
      reason: "in_line",
    });
  });

  test("blames a missing worker when no doorbell is late by so much", () => {
    expect(startedAfter(120_000)).toMatchObject({ reason: "wake_up" });
    expect(startedAfter(120_001)).toMatchObject({ reason: "worker_down" });
  });
});

const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

describeOnStacks("the reason for a late start", (bed) => {
  const make = () => {
    const { starts, definition } = gated();
    return {
      starts,
      ...bed.make({ doorbell: noteRings(), definitions: [noting().definition, definition] }),
    };
  };
  /** A task that was made and due so long ago. */
  const overdue = (seconds: number, type = "note") =>
    bed.sql(`insert into "baasix_Tasks" (type, scheduled_time, "createdAt") values ($1, $2, $2)`, [
      type,
      secondsAgo(seconds),
    ]);
  const latenessOf = async (id: number) => {
    const [row] = await bed.sql<{ lateness: string | null }>(
      `select lateness from "baasix_Tasks" where id = $1`,
      [String(id)],
    );
    return row?.lateness ? (JSON.parse(row.lateness) as { ms: number; reason: string; task?: number }) : null;
  };

  test("is not given when it started in time, nor when it was created with a time in the past", async () => {
    const { tasks, worker } = make();
    // The first tick of a suite takes longer than others.
    await worker.tick();
    await tasks.create([{ type: "note" }, { type: "note", scheduled_time: "2020-01-01T00:00:00Z" }]);
    await worker.tick();
    expect(await latenessOf(1)).toBeNull();
    expect(await latenessOf(2)).toBeNull();
    expect(await tasks.get(1)).toMatchObject({
      lateness: null,
      started_at: expect.any(String),
      finished_at: expect.any(String),
    });
  });

  test("is that another task held the flag, and which", async () => {
    const { tasks, starts, worker } = make();
    await worker.refresh();
    await tasks.create([{ type: "gated" }]);
    const ticking = worker.tick();
    const first = await eventually(() => starts[0]);
    await tasks.create([{ type: "note" }]);
    // As if it had been made and due some seconds before the first one ends.
    await bed.sql(
      `update "baasix_Tasks" set "createdAt" = now() - interval '5 seconds', scheduled_time = now() - interval '5 seconds' where id = 2`,
    );
    first.finish();
    await ticking;
    expect(await latenessOf(2)).toEqual({
      ms: expect.toSatisfy((ms: number) => ms >= 5_000),
      reason: "flag_held",
      task: 1,
    });
  });

  test("is that the worker of an earlier attempt died", async () => {
    const { worker } = make();
    await overdue(30);
    await bed.sql(
      `update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'dead', lease_expires_at = now() - interval '1 second', started_at = now() - interval '20 seconds' where id = 1`,
    );
    await worker.refresh();
    await worker.tick({ by: "refresh" });
    expect(await latenessOf(1)).toMatchObject({ reason: "crash" });
  });

  test("is that the cache did not know of it", async () => {
    const { worker } = make();
    await overdue(10);
    await worker.tick();
    expect(await latenessOf(1)).toMatchObject({ reason: "cache_miss" });
  });

  test("is that nobody woke for it, that a held flag delayed the tick, or that the doorbell is only so precise", async () => {
    const { worker } = make();
    for (const [seconds, by, reason] of [
      [40, "refresh", "worker_down"],
      [40, "held", "flag_held"],
      [40, undefined, "wake_up"],
      [60, undefined, "wake_up"],
      [400, undefined, "worker_down"],
    ] as const) {
      await overdue(seconds);
      await worker.refresh();
      await worker.tick(by ? { by } : {});
      const [row] = await bed.sql<{ id: string }>(`select max(id) as id from "baasix_Tasks"`);
      expect(await latenessOf(Number(row?.id)), `${seconds} s late, rung by ${by}`).toMatchObject({ reason });
    }
  });
});
