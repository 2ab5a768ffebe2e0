import { expect, test } from "vitest";
import { defineTask, type EnqueueOptions, type Task } from "#core";
import { type Create, createEnqueuer } from "../../../packages/core/tasks/enqueue.ts";
import { aTask } from "../../support/run/rows.ts";

const note = defineTask({ type: "note", run: async () => {} });

/** Notes what would be created. */
function noted() {
  const calls: Parameters<Create>[] = [];
  const enqueuer = createEnqueuer(async (...call): Promise<Task[]> => {
    calls.push(call);
    return call[0].map(({ type }, n) => aTask({ id: n + 1, type }));
  });
  return { calls, ...enqueuer };
}

test("a task is created as its definition and the options say; what is absent stays so", async () => {
  const { calls, enqueue } = noted();
  const at = new Date(0);
  await enqueue(
    note,
    { n: 1 },
    {
      ...{ at, maxAttempts: 3, attachmentId: "file", idempotencyKey: "k", userId: "u" },
      ...{ uniqueKey: "a", uniqueFor: "unfinished", onConflict: "postpone", longestWaitSeconds: 60 },
    },
  );
  await enqueue("note");
  expect(calls).toEqual([
    [
      [
        {
          ...{
            type: "note",
            task_data: { n: 1 },
            scheduled_time: at,
            max_attempts: 3,
            attachment_id: "file",
          },
          ...{ unique_key: "a", unique_for: "unfinished", on_conflict: "postpone", longest_wait_seconds: 60 },
        },
      ],
      { idempotencyKey: "k", userId: "u" },
      note,
    ],
    [[{ type: "note" }], {}, undefined],
  ]);
});

test("many are one request, in their order; none are none", async () => {
  const { calls, enqueueMany } = noted();
  const at = "2026-11-24T09:00:00Z";
  expect(await enqueueMany(note, [{ data: 1, at }, { maxAttempts: 2 }], { userId: "u" })).toHaveLength(2);
  expect(calls).toEqual([
    [
      [
        { type: "note", task_data: 1, scheduled_time: at },
        { type: "note", max_attempts: 2 },
      ],
      { userId: "u" },
      note,
    ],
  ]);
  expect(await enqueueMany(note, [])).toEqual([]);
  expect(calls).toHaveLength(1);
});

test("an option that is misspelt is refused, for its task would be due at once", async () => {
  const { calls, enqueue, enqueueMany } = noted();
  await expect(enqueue(note, {}, { runAt: new Date() } as EnqueueOptions)).rejects.toMatchObject({
    code: "invalid_request",
    message:
      "runAt is not an option; these are: at, maxAttempts, priority, queue, concurrencyKey, attachmentId, version, uniqueKey, uniqueFor, onConflict, longestWaitSeconds, idempotencyKey, userId",
  });
  await expect(enqueueMany(note, [{}, { delay: 5 } as EnqueueOptions])).rejects.toThrow(
    "[1].delay is not an option; these are: at, maxAttempts, priority, queue, concurrencyKey, attachmentId, version, uniqueKey, uniqueFor, onConflict, longestWaitSeconds, data",
  );
  await expect(enqueueMany(note, [{}], { at: new Date() } as EnqueueOptions)).rejects.toThrow(
    "at is not an option; these are: idempotencyKey, userId",
  );
  expect(calls).toEqual([]);
});
