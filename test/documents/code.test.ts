/** The TypeScript in every document compiles as it stands. */
import { execFile } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { blocksOf, programFolder, ROOT, SST_CONFIG, writeProgram } from "../support/documents.ts";

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs")).map((file) => `docs/${file}`),
].filter((document) => document.endsWith(".md"));
const withCode = documents.filter((document) =>
  blocksOf(document).some(({ language, file }) => language.startsWith("ts") && file !== SST_CONFIG),
);

const folderOf = (document: string) => document.replaceAll("/", "-");

/** What the compiler says, once for all of them. */
let complaints: string[];
beforeAll(async () => {
  const folder = programFolder();
  try {
    for (const document of withCode) writeProgram(document, join(folder, folderOf(document)));
    const { stdout } = await promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), ["-p", "."], {
      cwd: folder,
    }).catch((failure: { stdout: string }) => failure);
    complaints = stdout.split("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

test.each(withCode)("the code of %s compiles", (document) => {
  expect(complaints.filter((line) => line.startsWith(`${folderOf(document)}/`))).toEqual([]);
});

test("the compiler complains of nothing else", () => {
  expect(complaints).toEqual([""]);
});

test("no code hides in a block of another language", () => {
  for (const document of documents)
    expect(
      blocksOf(document).filter(({ language }) => /^(js|javascript|typescript)$/.test(language)),
    ).toEqual([]);
});
