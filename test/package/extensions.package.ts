/**
 * All of the examples in Baasix's documentation, on the installed package, with the real node-schedule and Express.
 * That they are its text, but for what they import from, is held by `test/compat/baasix-text.test.ts`.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { embeddedProject, filesIn, ROOT, run, TOOLS } from "../support/package/scratch.ts";

const BAASIX = join(ROOT, "test/compat/baasix");
const text = (name: string) => readFileSync(join(BAASIX, name), "utf8");

/** Beside those of the documentation: one whose time comes, and which is at work when the server ends. */
const EVERY_SECOND = `
import schedule from "node-schedule";
import tasksService from "tickwork/compat/services/TasksService";

export default schedule.scheduleJob("* * * * * *", async () => {
  globalThis.begun++;
  await new Promise((resolve) => setTimeout(resolve, 400));
  // Only possible while the server is there.
  await tasksService.forceRefresh();
  globalThis.done++;
});
`;

interface Facts {
  isJob: boolean;
  nextInMs: number;
  processed: unknown[];
  afterSchedule: unknown[];
  hooked: unknown[];
  created: unknown;
  snippets: Record<string, unknown[]>;
  monitored: unknown;
  health: unknown;
  noted: unknown;
  begun: number;
  done: number;
  scheduled: string[];
}

const STATS = {
  isTaskRunning: false,
  refreshInterval: 600_000,
  refreshIntervalSeconds: 600,
  maxRefreshIntervalSeconds: 10_800,
  taskTimeWindow: "4 hours",
  initialized: true,
};

describe("in an app of one's own", () => {
  let facts: Facts;
  beforeAll(async () => {
    const snippets = readdirSync(join(BAASIX, "snippets"));
    const folder = filesIn(embeddedProject(), {
      "extensions/baasix-schedule-task-processor/index.js": text("schedule-extension.js"),
      "extensions/baasix-hook-task-creator/index.js": text("hook-extension.js"),
      "extensions/schedules/every-second.js": EVERY_SECOND,
      "program.mjs": readFileSync(join(ROOT, "test/support/package/extensions-program.mjs"), "utf8"),
      ...Object.fromEntries(snippets.map((name) => [`snippets/${name}`, text(`snippets/${name}`)])),
    });
    mkdirSync(join(folder, "node_modules"));
    for (const name of ["express", "node-schedule"])
      symlinkSync(join(TOOLS, name), join(folder, "node_modules", name));
    const said = await run(process.execPath, ["program.mjs"], folder, { DATA_DIR: join(folder, "data") });
    facts = JSON.parse(said) as Facts;
  });

  test("the schedule extension is a job of node-schedule that processes tasks", () => {
    expect(facts.isJob).toBe(true);
    expect(facts.nextInMs).toBeGreaterThan(0);
    expect(facts.nextInMs).toBeLessThanOrEqual(5 * 60_000);
    expect(facts.processed).toEqual([
      ["Task processor started"],
      ["Processing 1 tasks"],
      ["Task 1 completed successfully"],
    ]);
    expect(facts.afterSchedule).toEqual([
      { type: "data_export", task_status: "Error", message: "the disk is full" },
      { type: "email_batch", task_status: "Completed" },
    ]);
  });

  test("the hook extension creates a task, which runs", () => {
    expect(facts.hooked).toEqual([["Created cleanup task for import 7"]]);
    expect(facts.created).toMatchObject({
      type: "cleanup_temp_files",
      task_data: { import_id: 7, temp_files: ["imports/7.csv"] },
      result_data: { import_id: 7 },
    });
    expect(facts.noted).toEqual({ id: 1 });
  });

  test("every snippet runs", () => {
    const { snippets } = facts;
    expect(Object.keys(snippets)).toHaveLength(14);
    expect(snippets).toMatchObject({
      "api-force-refresh.txt": [["Cache refreshed manually"]],
      "api-get-cache-stats.txt": [[STATS]],
      "api-get-not-started-tasks.txt": [],
      "trouble-1-not-in-cache.txt": [
        ["Service initialized:", true],
        ["Task time window:", "4 hours"],
        ["Tasks in DB (within 4 hours):", 1],
      ],
      "trouble-3-not-refreshing.txt": [["TasksService hooks registered"], ["Cache connection working"]],
    });
    expect(JSON.stringify(snippets)).not.toContain(`["error"`);
    expect(facts.monitored).toMatchObject(STATS);
  });

  test("Express answers with the health of the tasks", () => {
    expect(facts.health).toMatchObject({ status: 200, body: { healthy: true, stats: STATS } });
  });

  test("a server that ends lets a job at work finish, and leaves none behind", () => {
    expect(facts.begun).toBeGreaterThan(0);
    expect(facts.done).toBe(facts.begun);
    expect(facts.scheduled).toEqual([]);
  });
});
