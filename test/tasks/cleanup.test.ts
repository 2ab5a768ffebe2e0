import { execFileSync } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { PermanentError } from "#core";
import { type CleanupResult, definitions } from "#tasks";
import { createRegistry } from "../../packages/core/tasks/define-task.ts";
import { cleanup } from "../../packages/tasks/cleanup.ts";
import { cleanupTempFiles } from "../../packages/tasks/cleanup-temp-files.ts";
import { deleteTempFiles, errorOf } from "../../packages/tasks/temp-files.ts";
import { failureOf, issuesOf, runTask, type Surroundings } from "../support/web/run-task.ts";

/** A folder with a data folder and something beside it that must survive. */
async function aDisk() {
  const base = await realpath(await mkdtemp(join(tmpdir(), "tickwork-cleanup-")));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const dataDir = join(base, "data");
  await mkdir(join(dataDir, "imports"), { recursive: true });
  await mkdir(join(base, "data-of-others"));
  for (const file of ["data/a", "data/b", "data/imports/7.csv", "outside", "data-of-others/x"])
    await writeFile(join(base, file), "content");
  const exists = async (path: string) => {
    try {
      await lstat(join(base, path));
      return true;
    } catch {
      return false;
    }
  };
  return { base, dataDir, exists };
}

const clean = (data: unknown, surroundings?: Surroundings) =>
  runTask<CleanupResult>(cleanup, data, surroundings);

/** Runs a cleanup of one file that must be refused, and says why it was. */
async function refusalOf(file: string, dataDir: string): Promise<string> {
  const error = await failureOf(clean({ temp_files: [file] }, { dataDir }));
  expect(error).toMatchObject({ code: "cleanup_refused" });
  expect(error).toBeInstanceOf(PermanentError);
  const { refused_files } = await deleteTempFiles([file], {
    dataDir,
    signal: new AbortController().signal,
    progress: async () => {},
  });
  expect(refused_files).toEqual([{ file, reason: expect.any(String) }]);
  expect(error.message).toContain(refused_files[0]?.reason);
  return refused_files[0]?.reason ?? "";
}

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

  test("zero days are an age", async () => {
    let days: number | undefined;
    await clean({ older_than_days: 0 }, { deleteFinished: async (given) => (days = given) });
    expect(days).toBe(0);
  });

  test("stay when no age is given", async () => {
    const { dataDir } = await aDisk();
    const deleteFinished = async () => {
      throw new Error("not asked for");
    };
    expect((await clean({ temp_files: ["a"] }, { dataDir, deleteFinished })).deleted_tasks).toBe(0);
  });

  test("an abort meanwhile ends the task before the files", async () => {
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

describe("files", () => {
  test("relative and absolute ones are deleted, and missing ones counted", async () => {
    const { dataDir, exists } = await aDisk();
    const temp_files = [
      "a",
      "imports/7.csv",
      join(dataDir, "b"),
      "a",
      "c",
      "no/such/folder",
      "b/below-a-file",
    ];
    const result = await clean({ temp_files }, { dataDir });
    expect(result).toEqual({ deleted_tasks: 0, deleted_files: 3, missing_files: 4, refused_files: [] });
    for (const file of ["data/a", "data/b", "data/imports/7.csv"]) expect(await exists(file)).toBe(false);
    expect(await exists("data/imports")).toBe(true);
  });

  test("odd names are names", async () => {
    const { dataDir } = await aDisk();
    const names = ["..hidden", "...", " ", "~", "ü", "-rf", "a\nb", "*", "Postgres-dump", "api-key.txt"];
    for (const name of names) await writeFile(join(dataDir, name), "");
    expect((await clean({ temp_files: names }, { dataDir })).deleted_files).toBe(names.length);
    expect((await readdir(dataDir)).sort()).toEqual(["a", "b", "imports"]);
  });

  test("a data folder that is relative, or a link, is the same folder", async () => {
    const { base, dataDir, exists } = await aDisk();
    await symlink(dataDir, join(base, "link"));
    const temp_files = ["a", join(base, "link", "b"), join(dataDir, "imports/7.csv")];
    expect((await clean({ temp_files }, { dataDir: join(base, "link") })).deleted_files).toBe(3);
    expect(await exists("data")).toBe(true);

    await writeFile(join(dataDir, "a"), "");
    const fromHere = relative(process.cwd(), dataDir);
    expect((await clean({ temp_files: ["a"] }, { dataDir: fromHere })).deleted_files).toBe(1);
  });

  test("without a data folder all are missing, and what lies outside is still refused", async () => {
    const { base, exists } = await aDisk();
    const dataDir = join(base, "nowhere");
    expect((await clean({ temp_files: ["a", join(dataDir, "b")] }, { dataDir })).missing_files).toBe(2);
    expect(await refusalOf(join(base, "outside"), dataDir)).toBe("lies outside the data folder");
    expect(await exists("outside")).toBe(true);
  });

  test.each([
    "../outside",
    "imports/../../outside",
    "a/../../outside",
    "./../outside",
    "imports/..",
    "..",
    "imports/../a",
    "..\\outside",
  ])("%s: no going up", async (file) => {
    const { dataDir, exists } = await aDisk();
    expect(await refusalOf(file, dataDir)).toBe("has .. in its path");
    expect(await exists("outside")).toBe(true);
    expect(await exists("data/a")).toBe(true);
  });

  test("absolute paths outside, the likes of the folder's name included", async () => {
    const { base, dataDir, exists } = await aDisk();
    for (const file of ["outside", "data-of-others/x"]) {
      expect(await refusalOf(join(base, file), dataDir)).toBe("lies outside the data folder");
      expect(await exists(file)).toBe(true);
    }
    expect(await refusalOf("/", dataDir)).toBe("lies outside the data folder");
    expect(await refusalOf(`${dataDir}/../outside`, dataDir)).toBe("has .. in its path");
    expect(await exists("outside")).toBe(true);
  });

  test("the data folder itself, in all its names", async () => {
    const { base, dataDir, exists } = await aDisk();
    await symlink(dataDir, join(base, "link"));
    for (const file of ["", ".", "./", "./.", dataDir, `${dataDir}/`])
      expect(await refusalOf(file, dataDir)).toBe("is the data folder itself");
    expect(await refusalOf(join(base, "link"), join(base, "link"))).toBe("is the data folder itself");
    expect(await refusalOf(dataDir, join(base, "link"))).toBe("is the data folder itself");
    expect(await exists("link")).toBe(true);
    expect(await exists("data")).toBe(true);
  });

  test("folders, empty ones too", async () => {
    const { dataDir, exists } = await aDisk();
    await mkdir(join(dataDir, "empty"));
    for (const file of ["empty", "empty/", "imports", join(dataDir, "imports")])
      expect(await refusalOf(file, dataDir)).toBe("is a folder");
    expect(await exists("data/empty")).toBe(true);
    expect(await exists("data/imports/7.csv")).toBe(true);
  });

  test("a pipe is no file", async () => {
    const { dataDir, exists } = await aDisk();
    execFileSync("mkfifo", [join(dataDir, "pipe")]);
    expect(await refusalOf("pipe", dataDir)).toBe("is neither a file nor a link");
    expect(await exists("data/pipe")).toBe(true);
  });

  test("a zero byte", async () => {
    const { dataDir } = await aDisk();
    expect(await refusalOf("a\0b", dataDir)).toBe("has a zero byte in its name");
  });

  test("a link is removed and not followed", async () => {
    const { base, dataDir, exists } = await aDisk();
    await symlink(join(base, "outside"), join(dataDir, "to-file"));
    await symlink(join(base, "data-of-others"), join(dataDir, "to-folder"));
    await symlink(join(base, "nothing"), join(dataDir, "to-nothing"));
    await symlink(join(dataDir, "a"), join(dataDir, "to-a"));
    const temp_files = ["to-file", "to-folder", "to-nothing", "to-a"];
    expect((await clean({ temp_files }, { dataDir })).deleted_files).toBe(4);
    for (const file of ["outside", "data-of-others/x", "data/a"]) expect(await exists(file)).toBe(true);
    for (const file of temp_files) expect(await exists(`data/${file}`)).toBe(false);
  });

  test("a link on the way may lead around within the folder, and not out of it", async () => {
    const { base, dataDir, exists } = await aDisk();
    await symlink(join(base, "data-of-others"), join(dataDir, "out"));
    await symlink("..", join(dataDir, "imports/up"));
    await symlink(base, join(dataDir, "imports/base"));
    expect(await refusalOf("out/x", dataDir)).toBe("lies outside the data folder, through a link");
    expect(await refusalOf("out/not-there", dataDir)).toBe("lies outside the data folder, through a link");
    expect(await refusalOf("imports/base/outside", dataDir)).toBe(
      "lies outside the data folder, through a link",
    );
    // The data folder by another way.
    expect(await refusalOf("imports/base/data", dataDir)).toBe(
      "lies outside the data folder, through a link",
    );
    expect(await exists("data-of-others/x")).toBe(true);
    expect(await exists("outside")).toBe(true);
    expect((await clean({ temp_files: ["imports/up/a"] }, { dataDir })).deleted_files).toBe(1);
    expect(await exists("data/a")).toBe(false);
  });

  test("what the embedded stack lives on", async () => {
    const { dataDir, exists } = await aDisk();
    await mkdir(join(dataDir, "postgres/base"), { recursive: true });
    for (const file of ["postgres/PG_VERSION", "postgres/base/1", "tickwork.lock", "api-key"])
      await writeFile(join(dataDir, file), "");
    await symlink("postgres", join(dataDir, "pg"));
    await symlink(".", join(dataDir, "here"));
    const files = [
      "postgres",
      "postgres/PG_VERSION",
      "postgres/base/1",
      "postgres//base///1",
      "pg/PG_VERSION",
      "pg/base/1",
      "here/here/postgres/PG_VERSION",
      "tickwork.lock",
      "./tickwork.lock",
      "here/tickwork.lock",
      "api-key",
      "here/api-key",
      join(dataDir, "api-key"),
      // Some file systems take it for the same.
      "API-KEY",
    ];
    for (const file of files) expect(await refusalOf(file, dataDir)).toBe("belongs to the embedded stack");
    for (const file of ["postgres/PG_VERSION", "postgres/base/1", "tickwork.lock", "api-key"])
      expect(await exists(`data/${file}`)).toBe(true);
    // Of that name, and not the stack's.
    await writeFile(join(dataDir, "imports/api-key"), "");
    expect((await clean({ temp_files: ["imports/api-key", "pg"] }, { dataDir })).deleted_files).toBe(2);
    expect(await exists("data/postgres/PG_VERSION")).toBe(true);
  });

  test("the stack's data where a link says it really is", async () => {
    const { dataDir, exists } = await aDisk();
    await mkdir(join(dataDir, "disk2"));
    await writeFile(join(dataDir, "disk2/PG_VERSION"), "");
    await symlink("disk2", join(dataDir, "postgres"));
    expect(await refusalOf("disk2/PG_VERSION", dataDir)).toBe("belongs to the embedded stack");
    expect(await refusalOf("postgres/PG_VERSION", dataDir)).toBe("belongs to the embedded stack");
    expect(await refusalOf("postgres", dataDir)).toBe("belongs to the embedded stack");
    await rename(join(dataDir, "a"), join(dataDir, "key"));
    await symlink("key", join(dataDir, "api-key"));
    expect(await refusalOf("key", dataDir)).toBe("belongs to the embedded stack");
    expect(await exists("data/disk2/PG_VERSION")).toBe(true);
    expect(await exists("data/key")).toBe(true);
  });
});

describe("the end of a cleanup", () => {
  test("refused files do not keep the others, and five of them are named", async () => {
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

  test("a long name does not make a long message", async () => {
    const { dataDir } = await aDisk();
    const error = await failureOf(
      clean({ temp_files: Array(9).fill(`../${"x".repeat(3_000)}`) }, { dataDir }),
    );
    expect(error.message.length).toBeLessThan(1_000);
  });

  test("the file system says no: tried again, if attempts are left", async () => {
    const { dataDir, exists } = await aDisk();
    const long = "x".repeat(300);
    const error = await failureOf(clean({ temp_files: [long, "a"] }, { dataDir }));
    expect(error).toMatchObject({ name: "CleanupError", code: "ENAMETOOLONG" });
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(error.message).toMatch(/^1 files could not be deleted \(1 deleted, 0 missing\): "xxx/);
    expect(await exists("data/a")).toBe(false);
  });

  test("what was refused decides, when both happened", () => {
    const note = { file: "x", reason: "r" };
    const report = { deleted_files: 0, missing_files: 0, refused_files: [note], failed_files: [] };
    const failed = [{ ...note, code: "EBUSY" }];
    expect(errorOf({ ...report, failed_files: failed })).toMatchObject({ code: "cleanup_refused" });
    expect(errorOf({ ...report, refused_files: [], failed_files: failed })).toMatchObject({ code: "EBUSY" });
    expect(errorOf({ ...report, refused_files: [] })).toBeUndefined();
  });

  test("progress is reported and the signal honoured between files", async () => {
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

  test("deletes what an import left", async () => {
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

test("the tasks that ship can be registered, on Lambda too", () => {
  expect(createRegistry(definitions, { timeoutLimitMs: 750_000 }).types).toEqual([
    "http_request",
    "cleanup",
    "cleanup_temp_files",
  ]);
});
