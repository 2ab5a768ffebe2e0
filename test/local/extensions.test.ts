/** Extensions as Baasix has them, from files, in a server on one machine. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { constants, runInThisContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { tasksService } from "#compat";
import { ConfigError, createLogger, hooks } from "#core";
import { startServer } from "#local";
import { type Extensions, type LoadModule, loadExtensions } from "../../packages/local/extensions.ts";
import { preparedFolder } from "../support/bed/process.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { eventually } from "../support/eventually.ts";

const logged: string[] = [];
const log = createLogger({ level: "debug", write: (line) => logged.push(line) });
let open: Extensions | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
  logged.length = 0;
  delete (globalThis as { seen?: unknown }).seen;
});

/** What the files note. */
const seen = (): unknown[] => {
  const shared = globalThis as { seen?: unknown[] };
  shared.seen ??= [];
  return shared.seen;
};

function folderOf(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries({ "package.json": `{"type":"module"}`, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

async function load(folder: string, jobWaitMs = 5_000): Promise<Extensions> {
  open = await loadExtensions({ folder, log, jobWaitMs });
  return open;
}

/** Vitest has an `import()` of its own, whose errors are its own, too. */
const importByNode = runInThisContext("(file) => import(file)", {
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
}) as LoadModule;

const hookThatNotes = (what: string) => `export default (hooksService, { tasksService }) => {
  globalThis.seen.push(tasksService);
  hooksService.registerHook("orders", "items.create.after", () => void globalThis.seen.push("${what}"));
};`;
const jobThatNotes = (what: string) =>
  `export default { cancel: () => void globalThis.seen.push("${what} is cancelled") };`;

test("hooks and schedules are found in their folders and under Baasix's names, and nothing else is loaded", async () => {
  const folder = folderOf({
    "hooks/a.js": hookThatNotes("a"),
    "hooks/b/index.js": hookThatNotes("b"),
    "hooks/b/helper.js": "throw new Error('loaded')",
    "hooks/README.md": "About hooks",
    "hooks/types.d.ts": "throw new Error('loaded')",
    "baasix-hook-c/index.js": hookThatNotes("c"),
    "schedules/d.js": jobThatNotes("d"),
    "baasix-schedule-e/index.js": jobThatNotes("e"),
    "baasix-endpoint-f/index.js": "throw new Error('loaded')",
    "lib/helper.js": "throw new Error('loaded')",
  });
  const noted = seen();
  const extensions = await load(folder);
  expect(noted.splice(0)).toEqual([tasksService, tasksService, tasksService]);
  expect(logged.filter((line) => line.includes("baasix-endpoint-f is not loaded"))).toHaveLength(1);

  const order = { collection: "orders", data: { id: 1 } };
  expect(await hooks.fire("items.create.after", order)).toEqual({ ran: 3, failed: 0 });
  expect(noted.splice(0).sort()).toEqual(["a", "b", "c"]);

  await extensions.endJobs();
  expect(noted.splice(0).sort()).toEqual(["d is cancelled", "e is cancelled"]);
  expect(await hooks.fire("items.create.after", order)).toEqual({ ran: 3, failed: 0 });
  noted.length = 0;
  await extensions.stop();
  expect(await hooks.fire("items.create.after", order)).toEqual({ ran: 0, failed: 0 });
  expect(noted).toEqual([]);
});

test("a function of a schedule gets node-schedule, and each job that it makes is cancelled", async () => {
  const library = `export default { scheduleJob: (rule, run) => ({ run, cancel: () => void globalThis.seen.push(rule) }) };`;
  const folder = folderOf({
    "node_modules/node-schedule/package.json": `{"name":"node-schedule","type":"module","exports":"./index.js"}`,
    "node_modules/node-schedule/index.js": library,
    "schedules/twice.js": `export default (schedule) => {
      schedule.scheduleJob("* * * * *", () => {});
      schedule.scheduleJob("0 0 * * *", () => {});
    };`,
  });
  const noted = seen();
  await (await load(folder)).stop();
  expect(noted).toEqual(["* * * * *", "0 0 * * *"]);
});

test("what a job has begun may be finished, for so long and no longer", async () => {
  const folder = folderOf({
    "schedules/slow.js": `export default globalThis.seen[0];`,
  });
  const job = { running: 1, cancel: () => {} };
  seen().push(job);
  const ending = (await load(folder)).endJobs();
  let ended = false;
  void ending.then(() => {
    ended = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(ended).toBe(false);
  job.running = 0;
  await ending;
  expect(logged.join("\n")).not.toContain("goes on");

  job.running = 1;
  await (await load(folder, 100)).endJobs();
  expect(logged.join("\n")).toContain("goes on although its time is over");
});

describe("one line says what cannot be loaded, and where:", () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ["no folder", {}, /nowhere must be a folder with hooks\/\*, .* \(ENOENT: .*\)\.$/],
    ["nothing in it", { "lib/a.js": "" }, / must have hooks\/\*, schedules\/\*, .*, and has none\.$/],
    [
      "an extension of Baasix without a module",
      { "baasix-hook-a/main.js": "" },
      /baasix-hook-a must have an index\.js, and has none\.$/,
    ],
    [
      "a module that throws",
      { "hooks/a.js": "const a = 1;\n\nnull.b;" },
      /hooks\/a\.js:3 cannot be loaded: Cannot read properties of null \(reading 'b'\)$/,
    ],
    [
      "a syntax error",
      { "hooks/a.js": "const a = 1;\nconst b = ;" },
      /hooks\/a\.js:2 cannot be loaded: Unexpected token ';'$/,
    ],
    [
      "a name that is not exported",
      { "schedules/a.js": "\nimport { nope } from 'node:fs';" },
      /schedules\/a\.js:2 cannot be loaded: .* does not provide an export named 'nope'$/,
    ],
    [
      "a package that is not installed",
      { "schedules/a/index.js": "import nope from 'nope-nope';" },
      /schedules\/a\/index\.js cannot be loaded: Cannot find package 'nope-nope' imported from \S+$/,
    ],
    [
      "a module beside it that throws",
      { "hooks/a.js": "import '../lib/b.js';", "lib/b.js": "\nthrow new Error('no\\nway')" },
      /lib\/b\.js:2 cannot be loaded: no$/,
    ],
    [
      "a function that throws",
      { "hooks/a.js": "export default (hooksService) => {\n  hooksService.register();\n};" },
      /hooks\/a\.js:2 cannot be loaded: hooksService\.register is not a function$/,
    ],
    [
      "an event that does not exist",
      { "hooks/a.js": "export default (h) =>\n  h.registerHook('orders', 'items.read', () => {});" },
      /hooks\/a\.js:2 cannot be loaded: event must be one of items\.create\.after, .*, got "items\.read"$/,
    ],
    [
      "no node-schedule for a function that wants it",
      { "schedules/a.js": "export default (schedule) => schedule.scheduleJob('* * * * *', () => {});" },
      /schedules\/a\.js cannot be loaded: Cannot find module 'node-schedule'$/,
    ],
    [
      "a hook that registers none",
      { "hooks/a.js": "export const hook = () => {};" },
      /hooks\/a\.js must register a hook with hooksService\.registerHook, .*, and registers none\.$/,
    ],
    [
      "a schedule without a job",
      { "schedules/a.js": "export default { schedule: '* * * * *' };" },
      /schedules\/a\.js must have a job as its default export, as in: .*\.$/,
    ],
  ])("%s", async (what, files, message) => {
    const folder = what === "no folder" ? join(temporaryFolder(), "nowhere") : folderOf(files);
    const refusal = await loadExtensions({ folder, load: importByNode, log, jobWaitMs: 0 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(ConfigError);
    expect((refusal as Error).message).toMatch(message);
    expect((refusal as Error).message).not.toContain("\n");
  });

  test("and what was loaded before it is taken back", async () => {
    const noted = seen();
    const folder = folderOf({
      "hooks/a.js": hookThatNotes("a"),
      "schedules/b.js": jobThatNotes("b"),
      "schedules/c.js": "null.d",
    });
    await expect(load(folder)).rejects.toThrow(ConfigError);
    expect(noted).toContain("b is cancelled");
    expect(await hooks.fire("items.create.after", { collection: "orders", data: {} })).toMatchObject({
      ran: 0,
    });
  });
});

describe("a server", () => {
  test("loads them before it serves, and again when it is started again", async () => {
    const noted = seen();
    const extensions = folderOf({ "hooks/a.js": hookThatNotes("a"), "schedules/b.js": jobThatNotes("b") });
    const env = { DATA_DIR: preparedFolder(), PORT: "0" };
    for (const _ of ["first", "second"]) {
      const server = await startServer({ env, log, definitions: [], extensions });
      noted.length = 0;
      const response = await fetch(`${server.url}/hooks/orders/items.create.after`, {
        method: "POST",
        headers: { authorization: `Bearer ${server.apiKey}`, "content-type": "application/json" },
        body: JSON.stringify({ data: { id: 1 } }),
      });
      expect(response.ok).toBe(true);
      await eventually(() => noted.includes("a"));
      await server.close();
      expect(noted).toEqual(["a", "b is cancelled"]);
    }
  });

  test("does not start with one that cannot be loaded, and leaves its folder free", async () => {
    const env = { DATA_DIR: preparedFolder(), PORT: "0" };
    const extensions = folderOf({ "hooks/a.js": "null.b" });
    await expect(startServer({ env, log, definitions: [], extensions })).rejects.toThrow(/a\.js:1 cannot be/);
    await (await startServer({ env, log, definitions: [] })).close();
  });
});
