import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PermanentError } from "#core";
import { type CleanupResult, definitions } from "#tasks";
import { createRegistry } from "../../packages/core/tasks/registry.ts";
import { cleanup } from "../../packages/tasks/cleanup.ts";
import { cleanupTempFiles } from "../../packages/tasks/cleanup-temp-files.ts";
import { errorOf } from "../../packages/tasks/temp-files.ts";
import { aDisk } from "../support/web/disk.ts";
import { failureOf, issuesOf, runTask, type Surroundings } from "../support/web/run-task.ts";

const clean = (data: unknown, surroundings?: Surroundings) =>
  runTask<CleanupResult>(cleanup, data, surroundings);

describe("data", () => {
  test.each([
    [{}, /^must have older_than_days, temp_files or both, got neither$/],
    [null, /^must be an object with older_than_days, temp_files, got undefined$/],
    [{ older_than_days: -1 }, /^older_than_days must be a number from 0 to 36500, got -1$/],
    [{ older_than_days: 36_501 }, /^older_than_days must be a number from 0 to 36500, got 36501$/],
    [{ older_than_days: Number.POSITIVE_INFINITY }, /^older_than_days .*, got Infinity$/],
    [{ older_than_days: "30" }, /^older_than_days: .*number/],
    [
      { older_than_days: 1, tmp_files: [] },
      /^tmp_files is not a known field; these are: older_than_days, temp_files$/,
    ],
    [{ temp_files: "a" }, /^temp_files: /],
    [{ temp_files: [1] }, /^temp_files\.0: /],
    [{ temp_files: Array(10_001).fill("a") }, /^temp_files must have at most 10000 files, got 10001$/],
  ])("rejects %j", async (data, message) => {
    expect((await issuesOf(cleanup, data)).join("\n")).toMatch(message);
  });

  test.each([
    [{ older_than_days: 0 }],
    [{ older_than_days: 0.5 }],
    [{ temp_files: [] }],
    [{ older_than_days: 36_500, temp_files: Array(10_000).fill("a") }],
  ])("accepts %j", async (data) => {
    expect(await issuesOf(cleanup, data)).toEqual([]);
  });
});

describe("finished tasks", () => {
  test("are deleted by their age", async () => {
    const { dataDir } = await aDisk();
    const ages: number[] = [];
    const deleteFinished = async (olderThanDays: number) => {
      ages.push(olderThanDays);
      return 12;
    };
    const result = await clean({ older_than_days: 1.5 }, { dataDir, deleteFinished });
    expect(ages).toEqual([1.5]);
    expect(result).toEqual({ deleted_tasks: 12, deleted_files: 0, missing_files: 0, refused_files: [] });
  });

  test("are all deleted with an age of zero days", async () => {
    let days: number | undefined;
    await clean({ older_than_days: 0 }, { deleteFinished: async (given) => (days = given) });
    expect(days).toBe(0);
  });

  test("stay if no age is given", async () => {
    const { dataDir } = await aDisk();
    const deleteFinished = async () => {
      throw new Error("not asked for");
    };
    expect((await clean({ temp_files: ["a"] }, { dataDir, deleteFinished })).deleted_tasks).toBe(0);
  });

  test("an abort while they are deleted ends the task before the files", async () => {
    const { dataDir, exists } = await aDisk();
    const aborter = new AbortController();
    const reason = new Error("over");
    const deleteFinished = async () => {
      aborter.abort(reason);
      return 3;
    };
    const run = clean(
      { older_than_days: 1, temp_files: ["a"] },
      { dataDir, signal: aborter.signal, deleteFinished },
    );
    expect(await failureOf(run)).toBe(reason);
    expect(await exists("data/a")).toBe(true);
    const { signal } = aborter;
    expect(await failureOf(clean({ older_than_days: 1 }, { dataDir, signal, deleteFinished }))).toBe(reason);
  });
});

describe("the end of a cleanup", () => {
  test("refused files do not keep the others from being deleted, and five of them are named", async () => {
    const { dataDir, exists } = await aDisk();
    const refused = Array.from({ length: 7 }, (_, n) => `../r${n}`);
    const run = clean({ temp_files: ["a", ...refused, "b", "missing"] }, { dataDir });
    const error = await failureOf(run);
    expect(error).toMatchObject({ name: "PermanentError", code: "cleanup_refused" });
    expect(error.message).toBe(
      `7 files may not be deleted (2 deleted, 1 missing): ${refused
        .slice(0, 5)
        .map((file) => `"${file}" has .. in its path`)
        .join("; ")}; …`,
    );
    expect(await exists("data/a")).toBe(false);
    expect(await exists("data/b")).toBe(false);
  });

  test("a long file name does not make a long message", async () => {
    const { dataDir } = await aDisk();
    const error = await failureOf(
      clean({ temp_files: Array(9).fill(`../${"x".repeat(3_000)}`) }, { dataDir }),
    );
    expect(error.message.length).toBeLessThan(1_000);
  });

  test("a failure of the file system may be tried again", async () => {
    const { dataDir, exists } = await aDisk();
    const long = "x".repeat(300);
    const error = await failureOf(clean({ temp_files: [long, "a"] }, { dataDir }));
    expect(error).toMatchObject({ name: "CleanupError", code: "ENAMETOOLONG" });
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(error.message).toMatch(/^1 files could not be deleted \(1 deleted, 0 missing\): "xxx/);
    expect(await exists("data/a")).toBe(false);
  });

  test("if files were refused and others failed, the refusal decides", () => {
    const note = { file: "x", reason: "r" };
    const report = { deleted_files: 0, missing_files: 0, refused_files: [note], failed_files: [] };
    const failed = [{ ...note, code: "EBUSY" }];
    expect(errorOf({ ...report, failed_files: failed })).toMatchObject({ code: "cleanup_refused" });
    expect(errorOf({ ...report, refused_files: [], failed_files: failed })).toMatchObject({ code: "EBUSY" });
    expect(errorOf({ ...report, refused_files: [] })).toBeUndefined();
  });

  test("progress is reported, and the signal obeyed, between files", async () => {
    const { dataDir, exists } = await aDisk();
    const reported: number[] = [];
    const aborter = new AbortController();
    const reason = new Error("over");
    const progress = async (fraction: number) => {
      reported.push(fraction);
      if (fraction === 0.5) aborter.abort(reason);
    };
    const run = clean({ temp_files: ["a", "x", "b", "y"] }, { dataDir, progress, signal: aborter.signal });
    expect(await failureOf(run)).toBe(reason);
    expect(reported).toEqual([0.25, 0.5]);
    expect(await exists("data/a")).toBe(false);
    expect(await exists("data/b")).toBe(true);
  });
});

describe("cleanup_temp_files", () => {
  const run = (data: unknown, surroundings?: Surroundings) => runTask(cleanupTempFiles, data, surroundings);

  test("deletes the files of an import", async () => {
    const { dataDir, exists } = await aDisk();
    const data = { import_id: 42, temp_files: ["imports/7.csv", "gone"], requested_by: "the hook" };
    expect(await run(data, { dataDir })).toEqual({
      import_id: 42,
      deleted_files: 1,
      missing_files: 1,
      refused_files: [],
    });
    expect(await exists("data/imports/7.csv")).toBe(false);
  });

  test.each([[{ import_id: "a-uuid" }], [{ import_id: null, temp_files: null }], [{}], [{ temp_files: [] }]])(
    "%j has nothing to do",
    async (data) => {
      const { dataDir } = await aDisk();
      expect(await run(data, { dataDir })).toEqual({
        import_id: "import_id" in data ? data.import_id : null,
        deleted_files: 0,
        missing_files: 0,
        refused_files: [],
      });
    },
  );

  test("is as strict as cleanup", async () => {
    const { base, dataDir, exists } = await aDisk();
    const error = await failureOf(
      run({ import_id: 1, temp_files: ["a", join(base, "outside")] }, { dataDir }),
    );
    expect(error).toMatchObject({ code: "cleanup_refused" });
    expect(await exists("outside")).toBe(true);
    expect(await exists("data/a")).toBe(false);
    expect(await issuesOf(cleanupTempFiles, { temp_files: "a" })).toHaveLength(1);
    expect(await issuesOf(cleanupTempFiles, { temp_files: Array(10_001).fill("a") })).toHaveLength(1);
    expect(await issuesOf(cleanupTempFiles, { import_id: {} })).toHaveLength(1);
  });
});

test("the tasks that ship can be registered, even with Lambda's time limit", () => {
  expect(createRegistry(definitions, { timeoutLimitMs: 750_000 }).types).toEqual(
    expect.arrayContaining(["http_request", "cleanup", "cleanup_temp_files"]),
  );
});
