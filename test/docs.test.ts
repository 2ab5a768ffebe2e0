/** What the documents say about the code is so. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "#core";
import { definitions } from "#tasks";
import { operations } from "../packages/api/operations/operations.ts";
import { cleanup } from "../packages/tasks/cleanup.ts";
import { cleanupTempFiles } from "../packages/tasks/cleanup-temp-files.ts";
import { shippedExport } from "../packages/tasks/data-export.ts";
import { emailBatch } from "../packages/tasks/email-batch.ts";
import { httpRequest } from "../packages/tasks/http-request.ts";
import { billOf, costTables, useOf } from "../scripts/cost.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const readme = read("README.md");

/** The rows of the table under a heading, as cells. */
function rowsUnder(heading: string, firstCell: RegExp): string[][] {
  const [, section = ""] = readme.split(`\n## ${heading}\n`);
  const [body = ""] = section.split("\n## ");
  return body
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
    .filter(([first = ""]) => firstCell.test(first));
}
const codesIn = (cell = "") => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

describe("the README", () => {
  test("lists every operation of the API, and no other", () => {
    const rows = rowsUnder("Use it", /^`(GET|POST|PUT|PATCH|DELETE) /);
    const listed = rows.flatMap(([first]) => codesIn(first).map((code) => code.replace(/\?.*/, "")));
    const routes = Object.values(operations).map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(new Set(listed)).toEqual(new Set(routes));
  });

  test("lists the types of task that ship, with all fields of their data", () => {
    const rows = rowsUnder("Use it", /^`[a-z_]+`$/);
    // Whoever adds a type to those need not describe it there.
    const shipped = [httpRequest, emailBatch, shippedExport, cleanup, cleanupTempFiles];
    const types = shipped.map(({ type }) => type);
    expect(rows.map(([type]) => codesIn(type)[0])).toEqual(types);
    expect(readme).toContain(
      `${["No", "One", "Two", "Three", "Four", "Five"][types.length]} types of task ship`,
    );
    expect(definitions.map(({ type }) => type)).toEqual(expect.arrayContaining(types));
    for (const { type, data } of shipped) {
      const [, fields] = rows.find(([first]) => first === `\`${type}\``) ?? [];
      const { entries } = data as unknown as { entries: Record<string, unknown> };
      const listed = codesIn(fields?.replaceAll(/\(.*?\)/g, ""));
      expect(new Set(listed), type).toEqual(new Set(Object.keys(entries)));
    }
  });

  test("lists every variable of the configuration, with the default that .env.example has", () => {
    const rows = rowsUnder("Configuration", /^`[A-Z_]+`/);
    const names = new Set<string>();
    readConfig(new Proxy({}, { get: (_, name) => void names.add(String(name)) }));
    expect(new Set(rows.flatMap(([first]) => codesIn(first)))).toEqual(names);
    const example = read(".env.example");
    for (const [first, fallback = ""] of rows)
      for (const name of codesIn(first)) {
        const [, value] = new RegExp(`^# ${name}=(.*)$`, "m").exec(example) ?? [];
        expect(/^`.*`$/.test(fallback) ? codesIn(fallback)[0] : "", name).toBe(value);
      }
  });
});

const documents = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "examples/README.md",
  ...readdirSync(join(ROOT, "docs"), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join("docs", name)),
];

test.each(documents)("the links of %s lead somewhere", (document) => {
  const links = [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = ""]) => path);
  expect(links.filter((path) => !existsSync(join(ROOT, dirname(document), path)))).toEqual([]);
});

test.each(documents)("the commands of %s are there", (document) => {
  const scriptsIn = (file: string) =>
    Object.keys((JSON.parse(read(file)) as { scripts: Record<string, string> }).scripts);
  // The examples have scripts of their own.
  const apps = document.startsWith("examples/")
    ? readdirSync(join(ROOT, "examples"), { withFileTypes: true })
    : [];
  const scripts = [
    ...scriptsIn("package.json"),
    ...apps
      .filter((app) => app.isDirectory())
      .flatMap(({ name }) => scriptsIn(`examples/${name}/package.json`)),
  ];
  const named = [...read(document).matchAll(/npm (?:run )?([a-z]+(?::[a-z]+)*)\b/g)].map(
    ([, name = ""]) => name,
  );
  const npmsOwn = [
    "ci",
    "init",
    "pkg",
    "install",
    "run",
    "exec",
    "pack",
    "publish",
    "version",
    "view",
    "audit",
    "deprecate",
  ];
  expect(named.filter((name) => !npmsOwn.includes(name) && !scripts.includes(name))).toEqual([]);
});

test.each(documents)("the files that %s names are there", (document) => {
  const named = read(document).matchAll(
    /`((?:docs|examples|functions|infra|packages|scripts|test)\/[\w./-]+)`/g,
  );
  expect([...named].map(([, path = ""]) => path).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("the costs are those that scripts/cost.ts calculates", () => {
  expect(read("docs/cost.md")).toContain(costTables());
  const [none, some, many] = [0, 10_000, 1_000_000].map((tasks) =>
    Math.round(Object.values(billOf(useOf(tasks))).reduce((sum, dollars) => sum + dollars, 0)),
  );
  expect(read("docs/deploy.md")).toContain(
    `${none} dollars a month with no tasks, ${some} with 10,000 and ${many} with 1,000,000`,
  );
});
