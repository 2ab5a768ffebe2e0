/** A batch whose lease has become another worker's. */
import { expect, test } from "vitest";
import { defineTask } from "#core";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";

describeOnStacks("a batch that lost its lease", (bed) => {
  test.each(["completes", "fails"])("changes nothing when what it runs %s", async (how) => {
    const ran: number[] = [];
    const definition = defineTask({
      type: "note",
      batch: { size: 4 },
      run: async (_, { task }) => {
        ran.push(task.id);
        if (task.id !== 3) return;
        await bed.sql(`update "baasix_Tasks" set lease_token = 'another', attempts = attempts + 1, rev = rev + 1,
          lease_expires_at = now() + interval '1 minute' where task_status = 'Running'`);
        if (how === "fails") throw new Error("no");
      },
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(Array.from({ length: 12 }, () => ({ type: "note" })));
    const { completed, lost, failed, retried } = await worker.tick();
    expect({ failed, retried }).toEqual({ failed: 0, retried: 0 });
    expect(lost).toBeGreaterThan(0);
    const rows = await bed.sql<{ id: string; task_status: string; attempts: number }>(
      `select id, task_status, attempts from "baasix_Tasks" order by id`,
    );
    const taken = rows.filter(({ attempts }) => Number(attempts) === 2);
    expect(taken.length).toBeGreaterThan(0);
    for (const row of taken) expect(row).toMatchObject({ task_status: "Running" });
    expect(rows.filter(({ task_status }) => task_status === "Completed")).toHaveLength(completed);
    // It leased nothing more.
    expect(ran.length).toBeLessThanOrEqual(completed + taken.length);
    expect(rows.some(({ task_status }) => task_status === "Not started")).toBe(true);
  });
});
