/** A task that was asked to stop while it ran: however its attempt ended, there is no next one. */
import { expect, test } from "vitest";
import { defineTask, type NewTask, type TaskContext } from "#core";
import { openTestBed } from "../../support/bed/bed.ts";
import { describeOnStacks, eachStack } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

const places: [string, Partial<NewTask>, boolean][] = [
  ["", {}, false],
  [" of a batch", {}, true],
  [" that stands in line", { queue: "mail" }, false],
];

describeOnStacks("a cancelled task", (bed) => {
  const make = (batch: boolean, run: (context: TaskContext) => Promise<void>) => {
    let attempts = 0;
    const work = defineTask({
      type: "work",
      batch,
      maxAttempts: 5,
      run: async (_, context) => {
        attempts++;
        await run(context);
      },
    });
    const made = bed.make({ doorbell: noteRings(), definitions: [work] });
    return { ...made, attempts: () => attempts };
  };
  const cancelled = { task_status: "Error", error_data: { name: "CancelledError", code: "cancelled" } };

  test.each(places)("%s is not tried again when its handler fails by itself", async (_, place, batch) => {
    const made = make(batch, async ({ task }) => {
      await made.tasks.cancel(task.id);
      throw new Error("for another reason");
    });
    await made.tasks.create([{ type: "work", ...place }]);
    expect(await made.worker.tick()).toMatchObject({ failed: 1, retried: 0 });
    expect(await made.tasks.get(1)).toMatchObject({
      ...cancelled,
      attempts: 1,
      history: [{ message: "for another reason" }],
    });
    await made.worker.refresh();
    await made.worker.tick();
    expect(made.attempts()).toBe(1);
  });

  test.each(places)("%s is not run again when its worker dies", async (_, place, batch) => {
    const made = make(batch, async () => {});
    await made.tasks.create([{ type: "work", ...place }]);
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'dead', attempts = 1,
      cancel_requested = true, lease_expires_at = now() - interval '1 second'`);
    await made.worker.refresh();
    await made.worker.tick();
    expect(await made.tasks.get(1)).toMatchObject(cancelled);
    expect(made.attempts()).toBe(0);
  });

  test("completes when its handler does", async () => {
    const made = make(false, async ({ task }) => void (await made.tasks.cancel(task.id)));
    await made.tasks.create([{ type: "work" }]);
    await made.worker.tick();
    expect(await made.tasks.get(1)).toMatchObject({ task_status: "Completed" });
  });
});

eachStack("in a table whose JSON is jsonb, as one that was adopted may have it", (kind) => {
  test("a batch is settled, and many are cancelled at once", async () => {
    const bed = await openTestBed(kind);
    try {
      await bed.sql(
        `alter table "baasix_Tasks" alter error_data type jsonb, alter result_data type jsonb, alter task_data type jsonb`,
      );
      const note = defineTask({ type: "note", batch: true, run: async () => "done" });
      const { tasks, worker, operator } = bed.make({ doorbell: noteRings(), definitions: [note] });
      await tasks.create([{ type: "note" }, { type: "note" }]);
      expect(await worker.tick()).toMatchObject({ completed: 2 });
      await tasks.create([{ type: "note", scheduled_time: new Date(Date.now() + 3_600_000) }]);
      await operator.bulk({ action: "cancel", filter: { type: "note" } });
      await worker.tick();
      expect(await tasks.get(3)).toMatchObject({ task_status: "Error", error_data: { code: "cancelled" } });
    } finally {
      await bed.close();
    }
  });
});
