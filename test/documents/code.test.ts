/** The TypeScript in every document compiles as it stands. */
import { execFile } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { blocksOf, ROOT, SST_CONFIG, writeProgram } from "../support/documents.ts";

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs")).map((file) => `docs/${file}`),
].filter((document) => document.endsWith(".md"));
const withCode = documents.filter((document) =>
  blocksOf(document).some(({ language, file }) => language.startsWith("ts") && file !== SST_CONFIG),
);

test.each(withCode)("the code of %s compiles", async (document) => {
  const folder = writeProgram(document);
  try {
    const { stdout } = await promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder]).catch(
      (failure: { stdout: string }) => failure,
    );
    expect(stdout).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("no code hides in a block of another language", () => {
  for (const document of documents)
    expect(
      blocksOf(document).filter(({ language }) => /^(js|javascript|typescript)$/.test(language)),
    ).toEqual([]);
});
