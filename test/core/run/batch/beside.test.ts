/** While one statement of a batch leases more, another settles what ended meanwhile. */
import { expect, test } from "vitest";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { noting } from "../../../support/bed/tasks.ts";
import { eventually } from "../../../support/eventually.ts";

describeOnStacks("a batch whose statement is not answered yet", (bed) => {
  const count = async (condition: string) => {
    const [row] = await bed.sql<{ n: number }>(
      `select count(*)::int as n from "baasix_Tasks" where ${condition}`,
    );
    return Number(row?.n);
  };
  const completed = () => count("task_status = 'Completed'");

  /** Holds the second answer, until `then` is done. */
  const hold = (then: () => Promise<void>) => {
    let answers = 0;
    let held: Promise<void> | undefined;
    bed.faults.postgresAnswer = async (text) => {
      if (!/tickwork_batch/.test(text) || ++answers !== 2) return;
      held = then();
      await held;
    };
    return () => held;
  };

  test("settles what ended meanwhile, keeps the slot, and runs each task once, in order", async () => {
    const { ran, definition } = noting();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [{ ...definition, batch: { size: 8 } }],
    });
    await tasks.create(Array.from({ length: 40 }, () => ({ type: "note" })));
    const held = hold(async () => {
      const before = await completed();
      await eventually(async () => (await completed()) > before);
      expect(await count("task_status = 'Running' and slot = 0")).toBe(1);
    });
    expect(await worker.tick()).toMatchObject({ completed: 40, lost: 0, ended: "idle" });
    await held();
    expect(held()).toBeDefined();
    expect(ran.map(({ id, attempt }) => [id, attempt])).toEqual(
      Array.from({ length: 40 }, (_, n) => [n + 1, 1]),
    );
    expect(await count("task_status = 'Completed' and attempts = 1 and slot is null")).toBe(40);
  });
});
