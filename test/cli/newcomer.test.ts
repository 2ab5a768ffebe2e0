/** The whole way of a newcomer: init, dev, enqueue, list, and new code that runs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Task } from "#core";
import { sparePort } from "../support/chaos/own-process.ts";
import { openProject, type Project, type Running } from "../support/cli/cli.ts";

let project: Project;
let dev: Running;
beforeAll(async () => {
  project = openProject({ PORT: String(await sparePort()) });
  project.write("package.json", JSON.stringify({ dependencies: { tickwork: "*", valibot: "*" } }));
});
afterAll(() => project.close());

test("init writes a module of tasks with the library of schemas that is there", async () => {
  const { code, stdout } = await project.run(["init"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/tasks\.ts: written/);
  expect(stdout).toContain("npm install @electric-sql/pglite");
  expect(stdout).toContain("npm run tasks");
  expect(readFileSync(join(project.folder, "tasks.ts"), "utf8")).toContain('from "valibot"');
});

test("dev runs it, at 127.0.0.1 whatever HOST says", async () => {
  dev = project.start(["dev", "--tasks", "./tasks.ts"], { env: { HOST: "0.0.0.0" } });
  const [, url] = await dev.wrote(/address +(\S+)\n/);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  await dev.wrote(/npx tickwork enqueue greet/);
});

test("enqueue waits for the result, with the key that is kept in the folder", async () => {
  const { code, stdout } = await project.run(["enqueue", "greet", '{"name":"Ada"}', "--wait"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/status +Completed/);
  expect(stdout).toContain('{"greeting":"Hello Ada"}');
  // Without a terminal there is no colour.
  expect(stdout).not.toContain("\u001b");
});

test("list has it, as JSON too", async () => {
  const { code, stdout } = await project.run(["list", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([{ type: "greet", result_data: { greeting: "Hello Ada" } }]);
});

test("new code runs as soon as it is saved", async () => {
  const tasks = readFileSync(join(project.folder, "tasks.ts"), "utf8");
  project.write("tasks.ts", tasks.replace("Hello", "Welcome"));
  await dev.wrote(/The code has changed; restarting\.[\s\S]*address/);
  const { stdout } = await project.run(["enqueue", "greet", '{"name":"Ada"}', "--wait", "--json"]);
  expect((JSON.parse(stdout) as Task).result_data).toEqual({ greeting: "Welcome Ada" });
});

test("Ctrl-C ends it, and what it stored is still there at the next start", async () => {
  dev.child.kill("SIGINT");
  expect(await dev.ended).toMatchObject({ code: 0 });
  dev = project.start(["dev"]);
  await dev.wrote(/address/);
  const { stdout } = await project.run(["list", "--json"]);
  expect(JSON.parse(stdout)).toHaveLength(2);
});
