import { expect, test } from "vitest";
import type { Task } from "#core";
import { lineOf } from "../../packages/local/demo-lines.ts";

const NOW_MS = Date.parse("2026-11-25T09:00:00Z");
const line = (task: Partial<Task>) => lineOf({ id: 7, ...task } as Task, "is about", NOW_MS).trim();

test.each<[string, Partial<Task>]>([
  [
    "7 ·········· in 3 s                     is about",
    { task_status: "Not started", attempts: 0, scheduled_time: "2026-11-25T09:00:02.200Z" },
  ],
  [
    "7 █████····· Running        12 ms late  is about",
    {
      task_status: "Running",
      attempts: 1,
      scheduled_time: "2026-11-25T08:59:59.000Z",
      started_at: "2026-11-25T08:59:59.012Z",
    },
  ],
  [
    // It began before the time that it is due at now.
    "7 ·········· again in 1 s               is about",
    {
      task_status: "Not started",
      attempts: 1,
      scheduled_time: "2026-11-25T09:00:00.700Z",
      started_at: "2026-11-25T08:59:59.929Z",
    },
  ],
  [
    "7 ██████████ Completed                  is about",
    {
      task_status: "Completed",
      attempts: 1,
      scheduled_time: "2020-01-01T00:00:00Z",
      started_at: "2026-11-25T08:59:59Z",
    },
  ],
  [
    "7 ·········· Error           3 ms late  is about (refused)",
    {
      task_status: "Error",
      attempts: 1,
      scheduled_time: "2026-11-25T08:59:59.000Z",
      started_at: "2026-11-25T08:59:59.003Z",
      error_data: { message: "refused", name: "Error", attempts: 1 },
    },
  ],
])("%s", (text, task) => expect(line(task)).toBe(text));
