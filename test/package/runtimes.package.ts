/** The package in each runtime: every entry can be imported, and tasks run on the embedded stack. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENTRIES } from "../../scripts/entries.ts";
import { bun } from "../../scripts/sst-platform.ts";
import { embeddedProject, filesIn, plainProject, ROOT, run, TOOLS } from "../support/package/scratch.ts";

/** How a runtime is started, by its name. Those that npm has for this kind of machine only are skipped elsewhere. */
const RUNTIMES: [name: string, program: string, ...args: string[]][] = [
  ["Node 20.19.0", join(TOOLS, "node-20/bin/node")],
  ["Node 22", join(TOOLS, "node-22/bin/node")],
  ["Node 24", join(TOOLS, "node-24/bin/node")],
  ["Bun", bun()],
  ["Deno", join(TOOLS, "@deno/linux-x64-glibc/deno"), "run", "--allow-all", "--no-lock"],
];

/** What a program prints as JSON. */
async function printed(runtime: (typeof RUNTIMES)[number], project: string, program: string) {
  const [, command, ...args] = runtime;
  const folder = filesIn(project, { "program.mjs": program });
  const said = await run(command, [...args, "program.mjs"], folder, { DATA_DIR: join(folder, "data") });
  return JSON.parse(said.trim().split("\n").at(-1) ?? "") as unknown;
}

const IMPORT_ALL = `
const names = {};
for (const entry of ${JSON.stringify(Object.keys(ENTRIES))}) names[entry] = Object.keys(await import(entry));
console.log(JSON.stringify(names));
`;

const ONE_IDENTITY = `
import { ConfigError, hooks } from "tickwork";
import { createApp } from "tickwork/api";
import { hooksService, tasksService } from "tickwork/compat";
import { startServer } from "tickwork/local";

const isConfigError = [];
const noted = (error) => isConfigError.push(error instanceof ConfigError);
try { createApp({ config: {} }); } catch (error) { noted(error); }
const log = { debug() {}, info() {}, warn() {}, error() {} };
await startServer({ env: { PORT: "http" }, log, definitions: [] }).catch(noted);
console.log(JSON.stringify({ isConfigError }));
`;

const MISSING = `
import { startServer } from "tickwork/local";
import { createAwsDoorbell } from "tickwork/aws";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const messages = [];
const noted = ({ name, message }) => messages.push(name + ": " + message);
const start = (env) => startServer({ env: { PORT: "0", DATA_DIR: process.env.DATA_DIR, ...env }, log, definitions: [] });
await start({}).catch(noted);
await start({ DATABASE_URL: "postgres://127.0.0.1:9/none", CACHE_ENABLED: "false" }).catch(noted);
await start({ CACHE_REDIS_URL: "redis://127.0.0.1:9" }).catch(noted);
const doorbell = createAwsDoorbell({ tickArn: "arn", groupName: "group", roleArn: "arn", log });
await doorbell.ring().catch(noted);
await doorbell.ringAt({ atMs: Date.now() + 3_600_000, inMs: 3_600_000 }).catch(noted);
console.log(JSON.stringify(messages));
process.exit();
`;

const RUN_TASKS = `
import { defineTask } from "tickwork";
import { createHumanLog, startServer } from "tickwork/local";
import { definitions } from "tickwork/tasks";

const greet = defineTask({ type: "greet", run: async ({ name }) => ({ hello: name }) });
const log = createHumanLog({ debugging: false, write: () => {} });
const began = performance.now();
const server = await startServer({ env: { ...process.env, PORT: "0" }, log, definitions: [...definitions, greet] });
const startMs = Math.round(performance.now() - began);
const call = async (method, path, body) => {
  const headers = { authorization: "Bearer " + server.apiKey, "content-type": "application/json" };
  return (await fetch(server.url + path, { method, headers, body: JSON.stringify(body) })).json();
};
const tasks = await call("POST", "/tasks", [
  { type: "greet", task_data: { name: "Ada" } },
  { type: "http_request", task_data: { url: server.url + "/health/tasks" } },
]);
const ended = ({ task_status }) => task_status === "Completed" || task_status === "Error";
const until = Date.now() + 30_000;
let seen = tasks;
while (!seen.every(ended) && Date.now() < until) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  seen = await Promise.all(tasks.map(({ id }) => call("GET", "/tasks/" + id)));
}
await server.close();
console.log(JSON.stringify({ results: seen.map(({ result_data, error_data }) => result_data ?? error_data), startMs }));
process.exit();
`;

describe.each(RUNTIMES)("%s", (name, program, ...args) => {
  const runtime: (typeof RUNTIMES)[number] = [name, program, ...args];
  const isThere = existsSync(program);

  test.runIf(isThere)("imports every entry, without any package that is optional", async () => {
    const names = (await printed(runtime, plainProject(), IMPORT_ALL)) as Record<string, string[]>;
    for (const [entry, file] of Object.entries(ENTRIES)) {
      const source = (await import(join(ROOT, file))) as object;
      expect(new Set(names[entry]), entry).toEqual(new Set(Object.keys(source)));
    }
  });

  test.runIf(isThere)("has each class once, whichever entry it comes from", async () => {
    expect(await printed(runtime, plainProject(), ONE_IDENTITY)).toEqual({ isConfigError: [true, true] });
  });

  test.runIf(isThere)("says which package to install", async () => {
    const messages = (await printed(runtime, plainProject(), MISSING)) as string[];
    const packages = [
      "@electric-sql/pglite",
      "pg",
      "ioredis",
      "@aws-sdk/client-lambda",
      "@aws-sdk/client-scheduler",
    ];
    expect(messages.map((message) => /run: npm install (\S+)$/.exec(message)?.[1] ?? message)).toEqual(
      packages,
    );
    for (const message of messages)
      expect(message).toMatch(/^ConfigError: The package \S+ .+, and is not installed/);
  });

  test.runIf(isThere)("runs tasks of one's own and those that ship, on the embedded stack", async () => {
    const { results, startMs } = (await printed(runtime, embeddedProject(), RUN_TASKS)) as {
      results: unknown[];
      startMs: number;
    };
    console.log(`${name}: the first start took ${startMs} ms`);
    expect(results).toMatchObject([{ hello: "Ada" }, { status: 200, body: { healthy: true } }]);
  });

  if (!isThere) test.skip(`npm has none for ${process.platform} on ${process.arch}`, () => {});
});
