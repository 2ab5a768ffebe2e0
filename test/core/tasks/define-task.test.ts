import { expect, test } from "vitest";
import { foreignTask, PermanentError, type TaskContext } from "#core";

test("a foreign task that is run all the same ends for good", async () => {
  const { run } = foreignTask({ type: "theirs" });
  await expect(run(null, {} as TaskContext)).rejects.toThrow(PermanentError);
});
