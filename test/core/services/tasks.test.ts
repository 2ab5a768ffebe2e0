import { expect, test } from "vitest";
import type { Task, Tasks } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { gated, noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

describeOnStacks("tasks", (bed) => {
  const { definition } = noting();
  const make = () => bed.make({ doorbell: noteRings(), definitions: [definition] });

  test("the same idempotency key creates the tasks once, however many callers use it at the same time", async () => {
    const { tasks, worker } = make();
    const given = [{ type: "note", task_data: { n: 1 } }, { type: "note" }];
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => tasks.create(given, { idempotencyKey: "order-7" })),
    );
    expect(new Set(answers.map((created) => JSON.stringify(created.map(({ id }) => id)))).size).toBe(1);
    // Each is where its task was in the request.
    for (const answer of answers) expect(answer.map(({ task_data }) => task_data)).toEqual([{ n: 1 }, null]);
    expect(await bed.sql(`select from "baasix_Tasks"`)).toHaveLength(2);
    await expect(tasks.create([{ type: "note" }], { idempotencyKey: "order-7" })).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
    await bed.sql(`update tickwork_requests set created_at = now() - interval '25 hours'`);
    const later = await tasks.create(given, { idempotencyKey: "order-7" });
    expect(later[0]?.id).not.toBe(answers[0]?.[0]?.id);
    await bed.sql(`update tickwork_requests set created_at = now() - interval '25 hours'`);
    await worker.refresh();
    expect(await bed.sql(`select from tickwork_requests`)).toEqual([]);
  });

  test("a task that is retried is due at once and has all its attempts; nothing is left of how it ended", async () => {
    const { tasks } = make();
    await tasks.create([{ type: "note" }]);
    await bed.sql(`update "baasix_Tasks" set task_status = 'Error', attempts = 4, max_attempts = 2, crashes = 3, progress = 0.5,
      error_data = '{"message": "it broke"}', result_data = '1', scheduled_time = now() - interval '1 day',
      started_at = now(), finished_at = now()`);
    const beganMs = Date.now();
    const retried = await tasks.retry(1);
    expect(retried).toMatchObject({
      task_status: "Not started",
      attempts: 4,
      excused: 4,
      max_attempts: 2,
      crashes: 0,
      progress: null,
      error_data: null,
      result_data: null,
      started_at: null,
      finished_at: null,
    });
    expect(Date.parse(retried.scheduled_time)).toBeGreaterThan(beganMs - 60_000);
  });

  test.each<[string, string, (tasks: Tasks, options?: { userId: string }) => Promise<Task>]>([
    ["changed", "task_status = 'Not started'", (tasks, by) => tasks.update(1, { max_attempts: 3 }, by)],
    ["retried", "task_status = 'Error'", (tasks, by) => tasks.retry(1, by)],
    ["cancelled", "task_status = 'Not started'", (tasks, by) => tasks.cancel(1, by)],
    [
      "asked to stop",
      "task_status = 'Running', slot = 0, lease_token = 't', lease_expires_at = now() + interval '1 hour'",
      (tasks, by) => tasks.cancel(1, by),
    ],
  ])("a task that is %s says when, and by whom if that is told", async (_, state, act) => {
    const { tasks } = make();
    const before = `${state}, "updatedAt" = now() - interval '1 day'`;
    await tasks.create([{ type: "note" }]);
    for (const by of [{ userId: "ada" }, undefined]) {
      await bed.sql(`update "baasix_Tasks" set ${before}`);
      const { updatedAt, userUpdated_Id } = await act(tasks, by);
      expect(Date.parse(updatedAt)).toBeGreaterThan(Date.now() - 3_600_000);
      expect(userUpdated_Id).toBe("ada");
    }
  });

  test("who asks and under which key must be text that Postgres keeps", async () => {
    const { tasks } = make();
    for (const text of ["", "x".repeat(256), "a\0b", 7 as unknown as string])
      for (const refused of [
        tasks.create([{ type: "note" }], { idempotencyKey: text }),
        tasks.create([{ type: "note" }], { userId: text }),
        tasks.update(1, { task_data: 1 }, { userId: text }),
        tasks.retry(1, { userId: text }),
        tasks.cancel(1, { userId: text }),
      ])
        await expect(refused).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("a filter must be text that Postgres keeps", async () => {
    await expect(make().tasks.list({ type: "a\0b", limit: 1 })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/^Postgres refuses this: /),
    });
  });

  test("values that JSON cannot hold are refused, and not stored as something else", async () => {
    const { tasks } = make();
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 7n, circle, { toJSON: () => Number.NaN }])
      await expect(tasks.create([{ type: "note", task_data: { a: [value] } }])).rejects.toMatchObject({
        code: "invalid_request",
        issues: [{ path: expect.stringMatching(/^task_data\.a\.0/) }],
      });
    const [task] = await tasks.create([{ type: "note", task_data: { at: new Date(0), gone: undefined } }]);
    expect(task?.task_data).toEqual({ at: "1970-01-01T00:00:00.000Z" });
  });

  test("a change that the task's status forbids says what it must be, what it is, and why by its code", async () => {
    const { starts, definition: waits } = gated();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [waits] });
    await tasks.create([{ type: "gated" }, { type: "gated", scheduled_time: "2999-01-01T00:00:00Z" }]);
    const ticking = worker.tick();
    await eventually(() => starts[0]);
    await expect(tasks.remove(1)).rejects.toMatchObject({
      code: "task_running",
      kind: "conflict",
      message: 'Task 1 must be "Not started" or "Completed" or "Error" to be deleted, got "Running".',
    });
    await expect(tasks.update(1, { task_data: 1 })).rejects.toMatchObject({ code: "task_running" });
    await expect(tasks.retry(2)).rejects.toMatchObject({ code: "task_waiting" });
    starts[0]?.finish();
    await ticking;
    await expect(tasks.cancel(1)).rejects.toMatchObject({ code: "task_finished" });
    await expect(tasks.cancel(99)).rejects.toMatchObject({ code: "task_not_found", kind: "not_found" });
  });
});
