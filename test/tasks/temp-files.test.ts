import { execFileSync } from "node:child_process";
import { mkdir, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { PermanentError } from "#core";
import type { CleanupResult } from "#tasks";
import { cleanup } from "../../packages/tasks/cleanup.ts";
import { deleteTempFiles } from "../../packages/tasks/temp-files.ts";
import { aDisk } from "../support/web/disk.ts";
import { failureOf, runTask, type Surroundings } from "../support/web/run-task.ts";

const clean = (data: unknown, surroundings?: Surroundings) =>
  runTask<CleanupResult>(cleanup, data, surroundings);

/** Runs a cleanup of one file that must be refused, and returns the reason. */
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

describe("files", () => {
  test("relative and absolute ones are deleted, missing ones counted", async () => {
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

  test("odd names are ordinary names", async () => {
    const { dataDir } = await aDisk();
    const names = ["..hidden", "...", " ", "~", "ü", "-rf", "a\nb", "*", "Postgres-dump", "api-key.txt"];
    for (const name of names) await writeFile(join(dataDir, name), "");
    expect((await clean({ temp_files: names }, { dataDir })).deleted_files).toBe(names.length);
    expect((await readdir(dataDir)).sort()).toEqual(["a", "b", "imports"]);
  });

  test("the data folder may be configured as a relative path or a link", async () => {
    const { base, dataDir, exists } = await aDisk();
    await symlink(dataDir, join(base, "link"));
    const temp_files = ["a", join(base, "link", "b"), join(dataDir, "imports/7.csv")];
    expect((await clean({ temp_files }, { dataDir: join(base, "link") })).deleted_files).toBe(3);
    expect(await exists("data")).toBe(true);

    await writeFile(join(dataDir, "a"), "");
    const fromHere = relative(process.cwd(), dataDir);
    expect((await clean({ temp_files: ["a"] }, { dataDir: fromHere })).deleted_files).toBe(1);
  });

  test("without a data folder, all files are missing, and those outside are still refused", async () => {
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
  ])("%s: .. is refused", async (file) => {
    const { dataDir, exists } = await aDisk();
    expect(await refusalOf(file, dataDir)).toBe("has .. in its path");
    expect(await exists("outside")).toBe(true);
    expect(await exists("data/a")).toBe(true);
  });

  test("absolute paths outside, also in folders with a similar name", async () => {
    const { base, dataDir, exists } = await aDisk();
    for (const file of ["outside", "data-of-others/x"]) {
      expect(await refusalOf(join(base, file), dataDir)).toBe("lies outside the data folder");
      expect(await exists(file)).toBe(true);
    }
    expect(await refusalOf("/", dataDir)).toBe("lies outside the data folder");
    expect(await refusalOf(`${dataDir}/../outside`, dataDir)).toBe("has .. in its path");
    expect(await exists("outside")).toBe(true);
  });

  test("the data folder itself, by any of its names", async () => {
    const { base, dataDir, exists } = await aDisk();
    await symlink(dataDir, join(base, "link"));
    for (const file of ["", ".", "./", "./.", dataDir, `${dataDir}/`])
      expect(await refusalOf(file, dataDir)).toBe("is the data folder itself");
    expect(await refusalOf(join(base, "link"), join(base, "link"))).toBe("is the data folder itself");
    expect(await refusalOf(dataDir, join(base, "link"))).toBe("is the data folder itself");
    expect(await exists("link")).toBe(true);
    expect(await exists("data")).toBe(true);
  });

  test("folders, even empty ones", async () => {
    const { dataDir, exists } = await aDisk();
    await mkdir(join(dataDir, "empty"));
    for (const file of ["empty", "empty/", "imports", join(dataDir, "imports")])
      expect(await refusalOf(file, dataDir)).toBe("is a folder");
    expect(await exists("data/empty")).toBe(true);
    expect(await exists("data/imports/7.csv")).toBe(true);
  });

  test("a pipe is not a file", async () => {
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

  test("a link on the way may lead elsewhere in the folder, but not out of it", async () => {
    const { base, dataDir, exists } = await aDisk();
    await symlink(join(base, "data-of-others"), join(dataDir, "out"));
    await symlink("..", join(dataDir, "imports/up"));
    await symlink(base, join(dataDir, "imports/base"));
    expect(await refusalOf("out/x", dataDir)).toBe("lies outside the data folder, through a link");
    expect(await refusalOf("out/not-there", dataDir)).toBe("lies outside the data folder, through a link");
    expect(await refusalOf("imports/base/outside", dataDir)).toBe(
      "lies outside the data folder, through a link",
    );
    // The data folder by a roundabout path.
    expect(await refusalOf("imports/base/data", dataDir)).toBe(
      "lies outside the data folder, through a link",
    );
    expect(await exists("data-of-others/x")).toBe(true);
    expect(await exists("outside")).toBe(true);
    expect((await clean({ temp_files: ["imports/up/a"] }, { dataDir })).deleted_files).toBe(1);
    expect(await exists("data/a")).toBe(false);
  });

  test("what the embedded stack needs", async () => {
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
      // On some file systems, it is the same file.
      "API-KEY",
    ];
    for (const file of files) expect(await refusalOf(file, dataDir)).toBe("belongs to the embedded stack");
    for (const file of ["postgres/PG_VERSION", "postgres/base/1", "tickwork.lock", "api-key"])
      expect(await exists(`data/${file}`)).toBe(true);
    // The same name, but not the stack's.
    await writeFile(join(dataDir, "imports/api-key"), "");
    expect((await clean({ temp_files: ["imports/api-key", "pg"] }, { dataDir })).deleted_files).toBe(2);
    expect(await exists("data/postgres/PG_VERSION")).toBe(true);
  });

  test("the stack's data where a link leads to it", async () => {
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
