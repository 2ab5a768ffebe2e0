/** The tests in docs/testing.md, run as they stand. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { blocksOf, writeProgram } from "../support/documents.ts";

const DOCUMENT = "docs/testing.md";
const folder = writeProgram(DOCUMENT);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const suites = blocksOf(DOCUMENT).filter(({ file }) => file.endsWith(".test.ts"));

test("there are some", () => {
  expect(suites.map(({ file }) => file)).toEqual(["handler.test.ts", "flow.test.ts"]);
});

for (const { file } of suites)
  describe(file, async () => {
    await import(join(folder, file));
  });
