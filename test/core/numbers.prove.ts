import { expect, test } from "vitest";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { noting } from "../support/bed/tasks.ts";
import { eventually } from "../support/eventually.ts";

describeOnStacks("the number of requests", (bed) => {
  test.runIf(bed.kind === "embedded")(
    "between wake-ups and refreshes there is nothing for 30 s of real time",
    { timeout: 60_000 },
    async () => {
      const { definition, ran } = noting();
      const { tasks, operator, worker } = bed.make({ definitions: [definition] });
      await worker.refresh();
      await tasks.create([
        { type: "note" },
        { type: "note", scheduled_time: new Date(Date.now() + 3_600_000) },
      ]);
      await eventually(async () => ran.length === 1 && !(await operator.isTaskRunning()));
      bed.counts.reset();
      await new Promise((resolve) => setTimeout(resolve, 30_000));
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 0 });
    },
  );
});
