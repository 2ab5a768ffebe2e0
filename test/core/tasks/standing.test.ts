import { describe, expect, test } from "vitest";
import { CACHED_DATA_LIMIT_BYTES, UNKNOWN_TYPE_MS, WINDOW_MS } from "../../../packages/core/limits.ts";
import { type Facts, fromNow, standingOf, standingOfTask } from "../../../packages/core/tasks/standing.ts";
import { aTask } from "../../support/run/rows.ts";

const NOW_MS = Date.parse("2026-11-24T09:00:00.000Z");
const facts = (differences: Partial<Facts>): Facts => ({
  id: 7,
  rev: 2,
  status: "Not started",
  type: "note",
  due_ms: NOW_MS,
  lease_ms: null,
  ...differences,
});
const types = { ours: ["note", aTask().type], foreign: ["theirs"] };
const standing = (differences: Partial<Facts>) => standingOf(facts(differences), NOW_MS, types);
const identity = { id: 7, rev: 2 };

describe("a task that has not started", () => {
  test.each([-86_400_000, 0, WINDOW_MS])("waits when it is due in %i ms", (inMs) => {
    const due_ms = NOW_MS + inMs;
    expect(standing({ due_ms })).toEqual({ ...identity, kind: "waiting", atMs: due_ms });
  });

  test("is foreign when another program runs its type", () => {
    expect(standing({ type: "theirs" })).toEqual({ ...identity, kind: "foreign", atMs: NOW_MS });
  });

  test("waits for two minutes when its type is unknown, for others may know it; then it is left to them", () => {
    const unknown = (ageMs: number) => standing({ type: "unheard of", due_ms: NOW_MS - ageMs }).kind;
    expect([-60_000, 0, UNKNOWN_TYPE_MS - 1, UNKNOWN_TYPE_MS].map(unknown)).toEqual([
      "waiting",
      "waiting",
      "waiting",
      "foreign",
    ]);
  });

  test("waits however long it has been due, in the eyes of a process that only enqueues", () => {
    const open = { ours: [], foreign: ["theirs"], open: true };
    const due_ms = NOW_MS - 86_400_000;
    const kindOf = (type: string) => standingOf(facts({ type, due_ms }), NOW_MS, open).kind;
    expect([kindOf("unheard of"), kindOf("theirs")]).toEqual(["waiting", "foreign"]);
  });

  test("is gone while it is due later than the window", () => {
    expect(standing({ due_ms: NOW_MS + WINDOW_MS + 1 })).toEqual({ ...identity, kind: "gone" });
    expect(standing({ due_ms: NOW_MS + WINDOW_MS + 1, type: "theirs" })).toEqual({
      ...identity,
      kind: "gone",
    });
  });
});

test("a running task runs until its lease ends, whatever its type and its due time", () => {
  const lease_ms = NOW_MS + 60_000;
  for (const type of ["note", "theirs"])
    expect(standing({ status: "Running", type, lease_ms, due_ms: NOW_MS + 2 * WINDOW_MS })).toEqual({
      ...identity,
      kind: "running",
      atMs: lease_ms,
    });
});

test.each(["Completed", "Error"] as const)("a task that ended in %s is gone", (status) => {
  expect(standing({ status })).toEqual({ ...identity, kind: "gone" });
});

describe("of a whole task", () => {
  const waiting = (task_data: unknown) =>
    aTask({
      task_status: "Not started",
      scheduled_time: new Date(NOW_MS).toISOString(),
      lease_expires_at: null,
      task_data,
    });

  test("the row goes with it if its data is small enough for the cache", () => {
    const largest = waiting("x".repeat(CACHED_DATA_LIMIT_BYTES - 2));
    const larger = waiting("x".repeat(CACHED_DATA_LIMIT_BYTES - 1));
    expect(standingOfTask(largest, NOW_MS, types)).toEqual({
      ...identity,
      kind: "waiting",
      atMs: NOW_MS,
      task: largest,
      json: JSON.stringify(largest),
    });
    expect(standingOfTask(larger, NOW_MS, types)).toEqual({ ...identity, kind: "waiting", atMs: NOW_MS });
  });

  test("a foreign task takes its row along, too", () => {
    const task = waiting(null);
    expect(standingOfTask(task, NOW_MS, { ours: [], foreign: [task.type] })).toMatchObject({
      kind: "foreign",
      task,
    });
  });

  test("a running task does not", () => {
    const task = aTask({ lease_expires_at: "2026-11-24T09:01:00.000Z" });
    expect(standingOfTask(task, NOW_MS, types)).toEqual({
      ...identity,
      kind: "running",
      atMs: NOW_MS + 60_000,
    });
  });
});

test("a time from now holds on a cache whose clock is wrong", () => {
  expect(fromNow({ ...identity, kind: "running", atMs: NOW_MS + 500 }, NOW_MS)).toMatchObject({ inMs: 500 });
  expect(fromNow({ ...identity, kind: "gone" }, NOW_MS)).toEqual({ ...identity, kind: "gone" });
});
