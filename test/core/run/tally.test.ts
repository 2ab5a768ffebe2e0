import { expect, test } from "vitest";
import { type Measurements, silent } from "#core";
import { createTally } from "../../../packages/core/run/tally.ts";
import type { Outcome } from "../../../packages/core/tasks/task.ts";
import { noteLog } from "../../support/run/noted-log.ts";
import { aTask } from "../../support/run/rows.ts";

const error = { message: "it broke", name: "Error", attempts: 1, code: "E" };
const record = { attempt: 1, started_at: null, ended_at: "", outcome: "failed" as const, message: "" };
const outcomes = {
  completed: { kind: "completed", result: 1 },
  failed: { kind: "failed", error, record },
  retried: { kind: "retried", error, record, delayMs: 10 },
  givenBack: { kind: "given_back" },
} satisfies Record<string, Outcome>;
const attempt = (outcome: Outcome | undefined) => ({ outcome, durationMs: 20, lateness: undefined });

test("the report counts each attempt by its outcome, and those that lost their lease apart", () => {
  const tally = createTally({ log: silent });
  const { completed, failed, retried, givenBack } = outcomes;
  for (const outcome of [completed, completed, completed, failed, failed, retried, givenBack, undefined])
    tally.count(aTask(), attempt(outcome));
  expect(tally.report("idle")).toEqual({
    completed: 3,
    failed: 2,
    retried: 1,
    givenBack: 1,
    lost: 1,
    ended: "idle",
  });
});

test("the metrics have the same counts, and how late and how long each attempt was", () => {
  const published: Measurements[] = [];
  const tally = createTally({ log: silent, metrics: (measured) => void published.push(measured) });
  const early = aTask({
    scheduled_time: "2026-11-24T09:00:01.000Z",
    started_at: "2026-11-24T09:00:00.000Z",
  });
  const late = aTask({ scheduled_time: "2026-11-24T09:00:00.000Z", started_at: "2026-11-24T09:00:03.000Z" });
  tally.count(early, attempt(outcomes.completed));
  tally.count(late, attempt(undefined));
  tally.publish();
  expect(published).toEqual([
    {
      TasksCompleted: 1,
      TasksFailed: 0,
      TasksRetried: 0,
      TasksGivenBack: 0,
      TasksLeaseLost: 1,
      TaskLatenessMilliseconds: [0, 3_000],
      TaskDurationMilliseconds: [20, 20],
    },
  ]);
});

test("a tick that ran nothing publishes no metrics", () => {
  const published: Measurements[] = [];
  createTally({ log: silent, metrics: (measured) => void published.push(measured) }).publish();
  expect(published).toEqual([]);
});

test("whoever asks is told of each attempt, with the task as it was claimed", () => {
  const told: unknown[] = [];
  const tally = createTally({ log: silent, onAttempt: (task, end) => void told.push([task.id, end]) });
  tally.count(aTask(), attempt(outcomes.retried));
  tally.count(aTask({ id: 8 }), attempt(undefined));
  expect(told).toEqual([
    [7, attempt(outcomes.retried)],
    [8, attempt(undefined)],
  ]);
});

test.each<[string, Outcome | undefined, object]>([
  ["completes", outcomes.completed, { level: "info", message: "task completed" }],
  ["fails", outcomes.failed, { level: "warn", message: "task failed", error: "it broke", code: "E" }],
  ["is retried", outcomes.retried, { level: "warn", message: "task failed and will be tried again" }],
  ["is given back", outcomes.givenBack, { level: "warn", message: "task given back before it began" }],
  [
    "is interrupted",
    { kind: "interrupted", record: { ...record, outcome: "interrupted", code: "shutdown" } },
    { level: "warn", message: "task given back", outcome: "interrupted", code: "shutdown" },
  ],
  ["loses its lease", undefined, { level: "warn", message: "an attempt lost its lease and changed nothing" }],
])("an attempt that %s is logged with its task", (_, outcome, line) => {
  const { log, lines } = noteLog();
  createTally({ log }).count(aTask({ type: "greet" }), {
    ...attempt(outcome),
    lateness: { ms: 3_000, reason: "crash" },
  });
  expect(lines).toMatchObject([
    { ...line, task: 7, type: "greet", attempt: 1, durationMs: 20, late: "crash" },
  ]);
});
