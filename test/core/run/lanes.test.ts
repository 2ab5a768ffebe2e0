/** Priorities, queues, keys and limits, as claims obey them. */
import { expect, test } from "vitest";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting } from "../../support/bed/tasks.ts";

describeOnStacks("lanes", (bed) => {
  const make = (options: Parameters<typeof bed.make>[0] = {}) => {
    const { ran, definition } = noting("note");
    return { ran, ...bed.make({ doorbell: noteRings(), definitions: [definition], ...options }) };
  };
  const insert = (values: string) =>
    bed.sql(
      `insert into "baasix_Tasks" (type, scheduled_time, priority, queue, concurrency_key) select 'note', now(), ${values}`,
    );

  test("tasks in lanes run", async () => {
    const { worker, ran } = make();
    await insert("null, 'mail', null from generate_series(1, 3)");
    await worker.refresh();
    expect(await worker.tick()).toMatchObject({ completed: 3, ended: "idle" });
    expect(ran.map(({ id }) => id)).toEqual([1, 2, 3]);
  });
});
