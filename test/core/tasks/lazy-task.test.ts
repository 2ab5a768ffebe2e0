import * as v from "valibot";
import { expect, test } from "vitest";
import { lazyTask, type TaskContext, type TaskDefinition } from "#core";
import { checkData } from "../../../packages/core/tasks/registry.ts";

const context = {} as TaskContext;
const report: TaskDefinition = {
  type: "report",
  data: v.object({ month: v.number() }),
  run: async (data) => ({ made: data }),
};

test("the code is loaded once, when data is first checked or a task is first run", async () => {
  let loads = 0;
  const lazy = lazyTask({
    type: "report",
    timeoutSeconds: 5,
    load: async () => {
      loads++;
      return report;
    },
  });
  expect([lazy.timeoutSeconds, loads]).toEqual([5, 0]);
  expect(await checkData(lazy, { month: "May" })).toMatchObject({ issues: [{ path: "task_data.month" }] });
  expect(await checkData(lazy, { month: 5 })).toEqual({ value: { month: 5 } });
  expect(await lazy.run({ month: 5 }, context)).toEqual({ made: { month: 5 } });
  expect(loads).toBe(1);
});

test("a definition without a schema takes any data", async () => {
  const lazy = lazyTask({ type: "any", load: async () => ({ type: "any", run: async () => {} }) });
  expect(await checkData(lazy, { any: "thing" })).toEqual({ value: { any: "thing" } });
});

test("a failure to load fails its task, and the next one loads again", async () => {
  let loads = 0;
  const lazy = lazyTask({
    type: "report",
    load: async () => {
      if (++loads === 1) throw new Error("the file is missing");
      return report;
    },
  });
  await expect(lazy.run({ month: 5 }, context)).rejects.toThrow("the file is missing");
  expect(await lazy.run({ month: 5 }, context)).toEqual({ made: { month: 5 } });
});
