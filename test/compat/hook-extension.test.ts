import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { getSequelize, hooksService } from "#compat";
import { hooks } from "#core";
import { cleanupTempFiles } from "../../packages/tasks/cleanup-temp-files.ts";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { eventually } from "../support/eventually.ts";

let removers: (() => void)[] = [];
beforeAll(async () => {
  // @ts-expect-error it is JavaScript, as it stands in the documentation
  removers = await hooks.registeredDuring(() => import("./baasix/hook-extension.js"));
});
afterAll(() => {
  for (const remove of removers) remove();
});

const imported = (data: Record<string, unknown>) =>
  hooks.fire("items.create.after", { collection: "data_imports", data });

eachStack("the hook extension of Baasix's documentation", (kind) => {
  const compat = compatBed(kind);
  beforeEach(() => {
    vi.spyOn(console, "log").mockReturnValue();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("creates a task for a large import: its metadata becomes task_data, and it is cached at once", async () => {
    const { tasks, operator } = await compat.useWarm();
    expect(
      await imported({ id: 7, status: "completed", record_count: 1001, temp_files: ["a.csv", "b.csv"] }),
    ).toEqual({ ran: 1, failed: 0 });
    expect(console.log).toHaveBeenCalledExactlyOnceWith("Created cleanup task for import 7");
    expect(await tasks.get(1)).toMatchObject({
      type: "cleanup_temp_files",
      task_status: "Not started",
      task_data: { import_id: 7, temp_files: ["a.csv", "b.csv"] },
    });
    compat.bed.counts.reset();
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    expect(compat.bed.counts.postgres).toBe(0);
  });

  test("creates none for a small or unfinished import, and passes the data on", async () => {
    compat.use();
    const seen: unknown[] = [];
    const takeBack = hooksService.registerHook("data_imports", "items.create.after", ({ data, tenant }) => {
      seen.push(data, tenant);
    });
    const small = { id: 8, status: "completed", record_count: 1000 };
    await hooks.fire("items.create.after", { collection: "data_imports", data: small, tenant: "t1" });
    await imported({ id: 9, status: "running", record_count: 5000 });
    takeBack();
    expect(seen).toEqual([small, "t1", { id: 9, status: "running", record_count: 5000 }, undefined]);
    expect(await getSequelize().models.baasix_Tasks.count()).toBe(0);
  });

  test("the task that it creates is run by cleanup_temp_files", async () => {
    const dataDir = temporaryFolder();
    try {
      mkdirSync(join(dataDir, "imports"));
      writeFileSync(join(dataDir, "imports", "7.csv"), "1,2");
      // The doorbell causes ticks: the model has to ring it.
      const { tasks } = compat.use({
        definitions: [cleanupTempFiles],
        env: { DATA_DIR: dataDir },
        ticking: true,
      });
      await imported({ id: 7, status: "completed", record_count: 2000, temp_files: ["imports/7.csv"] });
      await eventually(async () => (await tasks.get(1)).task_status === "Completed");
      expect((await tasks.get(1)).result_data).toMatchObject({ import_id: 7, deleted_files: 1 });
      expect(existsSync(join(dataDir, "imports", "7.csv"))).toBe(false);
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });
});
