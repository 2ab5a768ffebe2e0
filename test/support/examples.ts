/** The examples in the docstrings of a public entry: they compile as they stand, and run if they need no more. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PublicName, readEntry } from "./public-entry.ts";

const ROOT = join(import.meta.dirname, "../..");

/** A definition that examples use by this name. */
export const GREET = `import("#core").TaskDefinition<
  import("@standard-schema/spec").StandardSchemaV1<{ name: string }>, { hello: string }, "greet">`;

interface Example {
  /** The name of its file. */
  title: string;
  code: string;
  /** What it takes for granted. */
  given: string[];
}

export interface ExamplesOptions {
  /** What examples take for granted, with its type. One that does is only type-checked, unless `values` has it all. */
  given: Readonly<Record<string, string>>;
  /** The values to run them with, asked for by each of the tests that do. */
  values?: () => Readonly<Record<string, unknown>>;
}

/** Describes the examples of a room's entry, and of `tickwork` itself what they import. */
export function describeExamples(room: string, { given, values }: ExamplesOptions): void {
  const entry = readEntry(room);
  const importable = new Map<string, PublicName[]>([
    [`#${room}`, entry],
    ...(room === "core" ? [] : [["#core", readEntry()] as const]),
  ]);
  const examples = entry
    .flatMap(({ name, examples: blocks }) => blocks.map((code) => ({ name, code })))
    .map(
      ({ name, code }, n): Example => ({
        // Numbered, since some file systems do not distinguish `hooks` and `Hooks`.
        title: `${n + 1}-${name}`,
        code,
        given: Object.keys(given).filter((one) => uses(code, one) && !declares(code, one)),
      }),
    );

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
      for (const example of examples)
        writeFileSync(join(folder, `${example.title}.ts`), moduleOf(example, importable));
      const globals = Object.entries(given).map(([name, type]) => `const ${name}: ${type};`);
      writeFileSync(join(folder, "given.d.ts"), `export {};\ndeclare global { ${globals.join("\n")} }\n`);
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

    const runnable = examples.filter((one) => values !== undefined || one.given.length === 0);
    test.each(runnable)("$title runs", async ({ title, code }) => {
      Object.assign(globalThis, values?.());
      const run = import(join(folder, `${title}.ts`));
      await (code.startsWith("throw ") ? expect(run).rejects.toThrow(Error) : run);
    });
  });
}

/** The example as a module. `expression; // value` becomes a check. */
function moduleOf({ code }: Example, importable: ReadonlyMap<string, readonly PublicName[]>): string {
  const imports = [...importable].flatMap(([specifier, names]) => {
    const used = names.filter(({ name }) => uses(code, name) && !declares(code, name));
    const list = used.map(({ name, isType }) => (isType ? `type ${name}` : name)).join(", ");
    return used.length > 0 ? [`import { ${list} } from "${specifier}";`] : [];
  });
  const checked = code.replaceAll(/^(?!\s)([^=\n]+); \/\/ (.+)$/gm, "expect($1).toEqual($2);");
  return ['import { expect } from "vitest";', ...imports, "export { expect };", checked, ""].join("\n");
}

function uses(code: string, name: string): boolean {
  return new RegExp(`(?<![.\\w"])${name}(?![\\w":])`).test(code);
}

function declares(code: string, name: string): boolean {
  return new RegExp(
    `(const|function|class) (\\{[^}=]*\\b)?${name}\\b(?!:)|\\{[^{}]*\\b${name}\\b[^{}]*\\}\\) =>`,
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
