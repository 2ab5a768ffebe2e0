/** Everything that the client's entry exports has a docstring, and the examples in them compile as they stand. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { filesOf, importsOf, ROOT, read } from "../support/imports.ts";

const ENTRY = "packages/client/index.ts";
const exported = importsOf(ENTRY).filter(({ specifier }) => specifier.startsWith("./"));
const names = exported.flatMap(({ target, names }) => names.map((name) => ({ name, target })));

const examples = filesOf("packages/client").flatMap((file) =>
  [...read(file).matchAll(/\/\*\*(.*?)\*\//gs)].flatMap(([, text = ""]) => {
    const [, ...blocks] = text.replaceAll(/^ *\* ?/gm, "").split(/@example\s/);
    return blocks.map((block) => block.replace(/\s@\w+ .*/s, "").trim());
  }),
);

test.each(names)("$name has a docstring", ({ name, target }) => {
  expect(read(target)).toMatch(
    new RegExp(`\\*/\\nexport (async )?(function|class|interface|type) ${name}\\b`),
  );
});

test("the examples compile", async () => {
  expect(examples.length).toBeGreaterThan(15);
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/client-examples-"));
  try {
    for (const [n, code] of examples.entries()) {
      const used = names.filter(({ name }) => new RegExp(`\\b${name}\\b`).test(code));
      const imports = used.map(({ name }) => name).join(", ");
      writeFileSync(join(folder, `${n}.ts`), `import { ${imports} } from "#client";\n${code}\nexport {};\n`);
    }
    writeFileSync(join(folder, "tasks.ts"), TASKS);
    writeFileSync(join(folder, "given.d.ts"), GIVEN);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
    const { stdout } = await promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder]).catch(
      (failure: { stdout: string }) => failure,
    );
    expect(stdout).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const TASKS = `import * as v from "valibot";
import { defineTask } from "#core";
export const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string() }),
  run: async ({ name }) => ({ hello: name }),
});
`;
/** What examples take for granted. */
const GIVEN = `export {};
declare global { const client: import("#client").Client<typeof import("./tasks.ts")>; }
`;
const TSCONFIG = {
  extends: "../../tsconfig.json",
  compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, verbatimModuleSyntax: false },
  include: ["."],
};
