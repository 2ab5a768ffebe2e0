/** The code in docs/extensions.md compiles, and does what is said there. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { useTickwork } from "#compat";
import { createLogger, hooks, type TaskDefinition } from "#core";
import { definitions as shipped } from "#tasks";
import { createTestTickwork } from "#testing";
import { loadExtensions } from "../packages/local/extensions.ts";

const ROOT = join(import.meta.dirname, "..");
const text = readFileSync(join(ROOT, "docs/extensions.md"), "utf8");

mkdirSync(join(ROOT, ".tmp"), { recursive: true });
const folder = mkdtempSync(join(ROOT, ".tmp/extensions-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const names = [...text.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```/gm)].map(([, name = "", code = ""]) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), code);
  return name;
});

test("it compiles", async () => {
  expect(names).toEqual(["extensions/hooks/imports.ts", "serve.ts", "tasks.ts", "nightly.ts"]);
  expect(text.match(/^```ts$/gm)).toHaveLength(names.length);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", include: ["."] }),
  );
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const said = await promisify(execFile)(tsc, ["-p", folder]).then(
    () => "",
    ({ stdout }: { stdout: string }) => stdout,
  );
  expect(said).toBe("");
});

test("the hook creates the task of an import", async () => {
  const tickwork = await createTestTickwork({ definitions: shipped, hooks });
  useTickwork(tickwork);
  const log = createLogger({ level: "error", write: () => {} });
  const extensions = await loadExtensions({ folder: join(folder, "extensions"), log, jobWaitMs: 0 });
  const imported = { collection: "data_imports", data: { temp_files: ["a.csv"] } };
  expect(await hooks.fire("items.create.after", imported)).toEqual({ ran: 1, failed: 0 });
  expect(await tickwork.enqueued()).toMatchObject([
    { type: "cleanup_temp_files", task_data: { temp_files: ["a.csv"] } },
  ]);
  await extensions.stop();
  useTickwork(undefined);
  await tickwork.close();
});

test("the nightly task comes every night at two, and after a standstill once for each night", async () => {
  const { nightly } = (await import(join(folder, "nightly.ts"))) as { nightly: TaskDefinition };
  const tickwork = await createTestTickwork({ definitions: [nightly], now: "2026-12-01T00:00:00Z" });
  await tickwork.tasks.create([{ type: "nightly", scheduled_time: "2026-12-01T02:00:00Z" }]);
  expect((await tickwork.advance("3 days")).failures).toEqual([]);
  const begun = (await tickwork.enqueued()).map(({ started_at }) => started_at?.slice(0, 16));
  expect(begun).toEqual(["2026-12-01T02:00", "2026-12-02T02:00", "2026-12-03T02:00", undefined]);
  await tickwork.close();

  const late = await createTestTickwork({ definitions: [nightly], now: "2026-12-04T00:00:00Z" });
  await late.tasks.create([{ type: "nightly", scheduled_time: "2026-12-01T02:00:00Z" }]);
  expect((await late.runDue()).ran).toHaveLength(3);
  await late.close();
});
