/** What `tickwork dev` does when code changes, for better or worse. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Task } from "#core";
import { sparePort } from "../support/chaos/own-process.ts";
import { NAMES, openProject, type Project, type Running, tasksModule } from "../support/cli/cli.ts";
import { eventually } from "../support/eventually.ts";

let project: Project;
let dev: Running;
beforeAll(async () => {
  project = openProject({ PORT: String(await sparePort()) });
  project.write("names.ts", NAMES);
  project.write("tasks.ts", tasksModule("Hello"));
  dev = project.start(["dev"]);
  await dev.wrote(/address/);
});
afterAll(() => project.close());

async function greeting(): Promise<unknown> {
  const { stdout, stderr } = await project.run(["enqueue", "greet", '{"name":"Ada"}', "--wait", "--json"]);
  if (!stdout) throw new Error(stderr);
  return (JSON.parse(stdout) as Task).result_data;
}

test("a file that the tasks import counts as well", async () => {
  project.write("names.ts", NAMES.replace("=> name", '=> name + "!"'));
  await dev.wrote(/The code has changed; restarting\.[\s\S]*address/);
  expect(await greeting()).toEqual({ greeting: "Hello Ada!" });
});

test("a running task ends before the new code takes over", async () => {
  const { stdout } = await project.run(["enqueue", "slow", '{"seconds":6}', "--json"]);
  const { id } = JSON.parse(stdout) as Task;
  await eventually(async () => {
    const shown = await project.run(["show", String(id), "--json"]);
    return (JSON.parse(shown.stdout) as Task).task_status === "Running";
  });
  project.write("names.ts", NAMES);
  await dev.wrote(/The code has changed; restarting\.[\s\S]*address/);
  const shown = await project.run(["show", String(id), "--json"]);
  expect(JSON.parse(shown.stdout)).toMatchObject({ task_status: "Completed", attempts: 1, crashes: 0 });
});

describe("the server keeps the old code, and one line says why:", () => {
  beforeEach(() => project.write("names.ts", NAMES));

  test.each<[string, () => void, RegExp]>([
    [
      "a syntax error",
      () => project.write("tasks.ts", "export const a = 1;\nexport const b = {;\n"),
      /^\.\/tasks\.ts:2:\d+: syntax error: Unexpected token$/m,
    ],
    [
      "a module that throws",
      () => project.write("tasks.ts", "interface A { b: string }\n\nthrow new Error('no way');\n"),
      /^\.\/tasks\.ts:3:\d+: no way$/m,
    ],
    [
      "a syntax error in what it imports",
      () => {
        project.write("tasks.ts", tasksModule("Hello"));
        project.write("names.ts", "\n\nexport const nameOf = (;\n");
      },
      /^\.\/names\.ts:3:\d+: syntax error: Unexpected token$/m,
    ],
    [
      "nothing that can be used",
      () => project.write("tasks.ts", "export const greet = 7;\n"),
      /^\.\/tasks\.ts must export task definitions, .*; it exports greet, and none is one\.$/m,
    ],
    [
      "two tasks of one type",
      () => project.write("tasks.ts", tasksModule("Hello").replace('type: "slow"', 'type: "greet"')),
      /^\.\/tasks\.ts:7 and \.\/tasks\.ts:12: Task type "greet": it is defined twice\.$/m,
    ],
    [
      "a module that is not there",
      () => project.write("tasks.ts", 'export const a = 1;\nimport "./gone.ts";\n'),
      /^\.\/tasks\.ts:2: there is no module \.\/gone\.ts$/m,
    ],
    [
      "a package that is not installed",
      () => project.write("tasks.ts", 'import "no-such-package";\n'),
      /^\.\/tasks\.ts:1: the package no-such-package is not installed; run: npm install no-such-package$/m,
    ],
    [
      "a module that ends the process",
      () => project.write("tasks.ts", "process.exit(3);\n"),
      /^\.\/tasks\.ts ended the process while it was loaded \(3\)\.$/m,
    ],
    [
      "no module any more",
      () => rmSync(join(project.folder, "tasks.ts")),
      /^There is no \.\/tasks\.ts\. .*--tasks <file> names another one\.$/m,
    ],
  ])("%s", async (_, spoil, message) => {
    spoil();
    await dev.wrote(new RegExp(`${message.source}\\nThe server keeps the old code\\.`, "m"));
  });

  test("and does keep it", async () => {
    expect(await greeting()).toEqual({ greeting: "Hello Ada" });
    // The file that was written before this test.
    await dev.wrote(/There is no \.\/tasks\.ts\.[\s\S]*\nThe server keeps the old code\./);
  });

  test("and what was missing or wrong may come later", async () => {
    project.write("tasks.ts", tasksModule("Back").replace("./names.ts", "./other-names.ts"));
    await dev.wrote(/there is no module \.\/other-names\.ts\nThe server keeps/);
    project.write("other-names.ts", NAMES);
    await dev.wrote(/The code has changed; restarting\.[\s\S]*address/);
    expect(await greeting()).toEqual({ greeting: "Back Ada" });
  });
});

test("a file that was only touched restarts nothing", async () => {
  const before = dev.output().length;
  project.write("other-names.ts", NAMES);
  // By the end of this, it would have begun.
  expect(await greeting()).toEqual({ greeting: "Back Ada" });
  expect(dev.output().slice(before)).not.toContain("restarting");
});

test("a server that dies is started again", async () => {
  project.write(
    "tasks.ts",
    `${tasksModule("Hello")}\nimport { defineTask as d } from "tickwork";\nexport const exit = d({ type: "exit", run: async () => { setTimeout(() => process.exit(7), 5_500); } });\n`,
  );
  await dev.wrote(/The code has changed; restarting\.[\s\S]*address/);
  expect((await project.run(["enqueue", "exit"])).code).toBe(0);
  await dev.wrote(/The server has ended \(7\)\. It starts again\.[\s\S]*address/);
});

test("when whoever watches is killed, the server ends by itself, and the folder is free", async () => {
  dev.child.kill("SIGKILL");
  await dev.ended;
  const migrated = await eventually(
    async () => {
      const { code } = await project.run(["migrate"]);
      return code === 0;
    },
    { limitMs: 30_000 },
  );
  expect(migrated).toBe(true);
});

test("the first start of code that cannot be used ends with 1", async () => {
  project.write("tasks.ts", "export const b = {;\n");
  expect(await project.run(["dev"])).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^\.\/tasks\.ts:1:\d+: syntax error: Unexpected token\n$/),
  });
});
