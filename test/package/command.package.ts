/** The command of the installed package, in a project with nothing else. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { embeddedProject, filesIn, plainProject, ROOT, run } from "../support/package/scratch.ts";

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const { PATH = "", HOME = "" } = process.env;
const npx = (project: string, ...args: string[]) =>
  run("npx", ["--no-install", "tickwork", ...args], project);

test("npx finds it, and it knows its version", async () => {
  expect(await npx(plainProject(), "--version")).toBe(`${version}\n`);
});

test("what it needs is said when it is not installed", async () => {
  const folder = filesIn(plainProject(), { "tasks.ts": TASKS });
  await expect(npx(folder, "dev", "--port", "0")).rejects.toThrow(
    /The package @electric-sql\/pglite .* run: npm install @electric-sql\/pglite/,
  );
});

let dev: ChildProcess | undefined;
afterAll(() => void dev?.kill("SIGKILL"));

test("dev runs tasks that are written in TypeScript, with the errors of the package that they import", async () => {
  const folder = filesIn(embeddedProject(), { "tasks.ts": TASKS });
  const main = join(embeddedProject(), "node_modules/tickwork/dist/cli.js");
  dev = spawn(process.execPath, [main, "dev", "--port", "0"], { cwd: folder, env: { PATH, HOME } });
  const url = await address(dev);
  const said = await npx(folder, "enqueue", "greet", '{"name":"Ada"}', "--wait", "--json", "--url", url);
  expect(JSON.parse(said)).toMatchObject({ task_status: "Completed", result_data: { hello: "Ada" } });
  const refused = await npx(folder, "enqueue", "refuse", "--wait", "--json", "--url", url).catch(String);
  // It may have two attempts, and is given up after the first.
  expect(refused).toMatch(/"code": "no_way"/);
  expect(refused).toMatch(/"attempts": 1/);
  const ended = new Promise((resolve) => dev?.once("exit", resolve));
  dev.kill("SIGTERM");
  expect(await ended).toBe(0);
});

function address(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer) => {
      output += chunk;
      const [, url] = /address +(\S+)\n/.exec(output) ?? [];
      if (url) resolve(url);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", () => reject(new Error(output)));
  });
}

const TASKS = `import { defineTask, PermanentError } from "tickwork";

interface Greeting { name: string }

export const greet = defineTask({ type: "greet", run: async (data) => ({ hello: (data as Greeting).name }) });
export const refuse = defineTask({
  type: "refuse",
  maxAttempts: 2,
  run: async () => { throw new PermanentError("never", { code: "no_way" }); },
});
`;
