/** A task that was asked to stop while it ran: however its attempt ended, there is no next one. */
import { expect, test } from "vitest";
import { defineTask, type NewTask, type TaskContext } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
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
    await made.worker.tick();
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
