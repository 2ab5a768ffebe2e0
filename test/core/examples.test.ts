/** The examples in the docstrings of the public entry: they compile as they stand, and run if they need no server. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEntry } from "../support/public-entry.ts";

const ROOT = join(import.meta.dirname, "../..");
const entry = readEntry();

/** What examples take for granted: they are only type-checked, because it needs servers. */
const GIVEN = {
  tasks: "Tasks",
  operator: "Operator",
  worker: "Worker",
  database: "Database",
  redis: "RedisCommands",
  postgresDriver: "PostgresDriver",
  redisDriver: "RedisDriver",
  doorbell: "Doorbell",
  log: "Logger",
  signal: "AbortSignal",
};

interface Example {
  /** The name of its file. */
  title: string;
  code: string;
  runs: boolean;
}

const examples = entry
  .flatMap(({ name, examples: blocks }) => blocks.map((code) => ({ name, code })))
  .map(({ name, code }, n): Example => {
    const given = Object.keys(GIVEN).filter((one) => uses(code, one) && !declares(code, one));
    // Numbered, since some file systems do not distinguish `hooks` and `Hooks`.
    return { title: `${n + 1}-${name}`, code, runs: given.length === 0 };
  });

test.each(entry)("$name has a docstring", ({ docstring }) => {
  expect(docstring).toMatch(/^[A-Z]/);
});

test.each(entry.filter(({ isCallable }) => isCallable))("$name has an example", (callable) => {
  expect(callable.examples).not.toEqual([]);
});

describe("examples", () => {
  let folder: string;
  beforeAll(() => {
    mkdirSync(join(ROOT, ".tmp"), { recursive: true });
    folder = mkdtempSync(join(ROOT, ".tmp/examples-"));
    for (const example of examples) writeFileSync(join(folder, `${example.title}.ts`), moduleOf(example));
    const given = Object.entries(GIVEN).map(([name, type]) => `const ${name}: import("#core").${type};`);
    writeFileSync(join(folder, "given.d.ts"), `export {};\ndeclare global { ${given.join(" ")} }\n`);
    writeFileSync(join(folder, "report.ts"), REPORT);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("compile", async () => {
    const tsc = join(ROOT, "node_modules/.bin/tsc");
    const { stdout } = await promisify(execFile)(tsc, ["-p", folder]).catch(
      (failure: { stdout: string }) => failure,
    );
    expect(stdout).toBe("");
  });

  test.each(examples.filter(({ runs }) => runs))("$title runs", async ({ title, code }) => {
    const run = import(join(folder, `${title}.ts`));
    await (code.startsWith("throw ") ? expect(run).rejects.toThrow(Error) : run);
  });
});

/** The example as a module. `expression; // value` becomes a check. */
function moduleOf({ code }: Example): string {
  const used = entry.filter(({ name }) => uses(code, name) && !declares(code, name));
  const imports = used.map(({ name, isType }) => (isType ? `type ${name}` : name)).join(", ");
  const checked = code.replaceAll(/^(?!\s)([^=\n]+); \/\/ (.+)$/gm, "expect($1).toEqual($2);");
  return `import { expect } from "vitest";\nimport { ${imports} } from "#core";\nexport { expect };\n${checked}\n`;
}

function uses(code: string, name: string): boolean {
  return new RegExp(`(?<![.\\w"])${name}(?![\\w":])`).test(code);
}

function declares(code: string, name: string): boolean {
  return new RegExp(
    `(const|function|class) (\\{[^}=]*\\b)?${name}\\b|\\{[^{}]*\\b${name}\\b[^{}]*\\}\\) =>`,
  ).test(code);
}

const REPORT = `import { defineTask } from "#core";
export const report = defineTask({ type: "report", run: async () => ({ pages: 3 }) });
`;

const TSCONFIG = {
  extends: "../../tsconfig.json",
  compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
  include: ["."],
};
