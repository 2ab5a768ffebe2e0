/** The TypeScript in every document compiles as it stands. That of docs/deploy.md needs SST: see `deploy-doc.infra.ts`. */
import { execFile } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { blocksOf, ROOT, writeProgram } from "../support/documents.ts";

const ELSEWHERE = ["docs/deploy.md"];

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs")).map((file) => `docs/${file}`),
]
  .filter((file) => file.endsWith(".md") && !ELSEWHERE.includes(file))
  .filter((file) => blocksOf(file).some(({ language }) => language.startsWith("ts")));

test.each(documents)("the code of %s compiles", async (document) => {
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
