import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type DataOf, defineTask, foreignTask, PermanentError, type ResultOf, type TaskContext } from "#core";

test("a foreign task that is run all the same ends for good", async () => {
  const { run } = foreignTask({ type: "theirs" });
  await expect(run(null, {} as TaskContext)).rejects.toThrow(PermanentError);
});

describe("a handler for many", () => {
  const double = defineTask({
    type: "double",
    data: v.object({ n: v.number() }),
    runMany: async (items) =>
      items.map(({ data }) =>
        data.n < 0 ? { error: new PermanentError("too small") } : { result: { doubled: data.n * 2 } },
      ),
  });

  test("says what data and results its tasks have", () => {
    expectTypeOf<DataOf<typeof double>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<ResultOf<typeof double>>().toEqualTypeOf<{ doubled: number }>();
    // @ts-expect-error a definition has one handler
    defineTask({ type: "both", run: async () => 1, runMany: async () => [] });
  });

  test("runs a task that is alone", async () => {
    expect(await double.run({ n: 2 }, {} as TaskContext)).toEqual({ doubled: 4 });
    await expect(double.run({ n: -1 }, {} as TaskContext)).rejects.toThrow("too small");
  });
});
