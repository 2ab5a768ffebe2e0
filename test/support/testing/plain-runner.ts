/** Tests of tasks with Node's own runner, in a process of their own: `test/testing/plain-runner.prove.ts` starts it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defineTask } from "#core";
import { createTestTickwork, runHandler } from "#testing";

const count = defineTask({
  type: "count",
  maxAttempts: 3,
  run: async (_, { attempt }) => {
    if (attempt < 3) throw new Error("not yet");
    return attempt;
  },
});

describe("a plain runner", { concurrency: true }, () => {
  for (const n of [1, 2, 3])
    test(`runs tasks beside each other, ${n}`, async () => {
      const tickwork = await createTestTickwork({ definitions: [count], now: "2026-11-24T09:00:00Z" });
      const tasks = [];
      for (let made = 0; made < n; made++) tasks.push(await tickwork.enqueue(count));
      const { ran, failures } = await tickwork.advance("1 hour");
      assert.equal(ran.length, 3 * n);
      assert.equal(failures.length, 2 * n);
      for (const task of tasks) assert.equal(await tickwork.result(task), 3);
      await tickwork.close();
    });

  test("may leave an instance open", async () => {
    const tickwork = await createTestTickwork({ definitions: [count] });
    await tickwork.enqueue(count);
    assert.deepEqual((await tickwork.runDue()).failures[0]?.error?.message, "not yet");
  });

  test("runs a handler alone", async () => {
    assert.equal(await runHandler(count, undefined, { attempt: 3 }), 3);
  });
});
