/** What `tickwork init` writes into projects of any kind, and what it leaves alone. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "#core";
import { ENV_EXAMPLE } from "../../packages/cli/init/templates.ts";
import { openProject, type Project } from "../support/cli/cli.ts";

let project: Project;
beforeEach(() => {
  project = openProject();
});
afterEach(() => project.close());
const read = (file: string) => readFileSync(join(project.folder, file), "utf8");

test.each(["module", "commonjs", undefined])(
  "the tasks of a project of type %s load as they are",
  async (type) => {
    project.write("package.json", JSON.stringify({ type }));
    expect((await project.run(["init"])).code).toBe(0);
    const { stdout } = await project.run(["doctor", "--json"]);
    const { findings } = JSON.parse(stdout) as { findings: object[] };
    expect(findings).toContainEqual({ check: "tasks file", level: "ok", message: "./tasks.ts: greet" });
  },
);

test("package.json keeps how it is written", async () => {
  project.write("package.json", '{\n\t"name": "shop",\n\t"scripts": {\n\t\t"test": "true"\n\t}\n}\n');
  project.write(".gitignore", "node_modules");
  await project.run(["init"]);
  expect(read("package.json")).toBe(
    '{\n\t"name": "shop",\n\t"scripts": {\n\t\t"test": "true",\n\t\t"tasks": "tickwork dev --tasks ./tasks.ts"\n\t}\n}\n',
  );
  expect(read(".gitignore")).toBe("node_modules\n.tickwork\n");
});

test("nothing is overwritten, and it says what it left alone", async () => {
  const files = {
    "package.json": '{"scripts":{"tasks":"mine"}}',
    "tasks.ts": "// mine\n",
    ".env.example": "MINE=1\n",
    ".gitignore": "/.tickwork/\n",
  };
  for (const [file, content] of Object.entries(files)) project.write(file, content);
  const { code, stdout } = await project.run(["init", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    steps: ["tasks.ts", ".env.example", "package.json"].map((file) => ({ file, done: false })),
  });
  for (const [file, content] of Object.entries(files)) expect(read(file)).toBe(content);
});

test("what is not installed is named, in the words of the package manager", async () => {
  project.write("package.json", JSON.stringify({ devDependencies: { tickwork: "*" } }));
  project.write("pnpm-lock.yaml", "");
  const { stdout } = await project.run(["init"]);
  expect(stdout).toMatch(/pnpm add @electric-sql\/pglite\n +pnpm tasks\n/);
});

test.each<[string, string | undefined, RegExp]>([
  ["no package.json", undefined, /^There is no package\.json in .*\. Run `npm init` first/],
  ["one that is no JSON", "{", /package\.json must be JSON \(/],
])("%s is one line, and nothing is written", async (_, content, message) => {
  if (content !== undefined) project.write("package.json", content);
  const { code, stderr } = await project.run(["init"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(existsSync(join(project.folder, "tasks.ts"))).toBe(false);
});

test("the settings that it shows are those that there are, with their defaults", () => {
  const lines = [...ENV_EXAMPLE.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(
    ([, name = "", value = ""]) => [name, value] as const,
  );
  const asked = new Set<string>();
  readConfig(new Proxy({}, { get: (_, name) => void asked.add(String(name)) }));
  expect(lines.map(([name]) => name).filter((name) => !asked.has(name))).toEqual([]);
  expect(readConfig(Object.fromEntries(lines))).toEqual(readConfig({}));
});
