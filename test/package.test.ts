/** What package.json says of the published package. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ENTRIES, exportsOf, PROGRAMS, SST_ENTRIES } from "../scripts/entries.ts";

const ROOT = join(import.meta.dirname, "..");

interface Package {
  bin: Record<string, string>;
  exports: unknown;
  files: string[];
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
}
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Package;

test("its exports are the entries that are built", () => {
  expect(manifest.exports).toEqual(exportsOf([...Object.keys(ENTRIES), ...Object.keys(SST_ENTRIES)]));
  for (const file of Object.values({ ...ENTRIES, ...SST_ENTRIES, ...PROGRAMS }))
    expect(existsSync(join(ROOT, file)), file).toBe(true);
});

test("its command is a program that is built", () => {
  expect(manifest.bin).toEqual({ tickwork: "./dist/cli.js" });
  expect(PROGRAMS).toHaveProperty("cli");
});

test("what only some users need is optional, a range, and there for the tests of this repository", () => {
  const { dependencies, devDependencies, peerDependencies, peerDependenciesMeta } = manifest;
  expect(Object.keys(peerDependenciesMeta)).toEqual(Object.keys(peerDependencies));
  for (const [name, range] of Object.entries(peerDependencies)) {
    expect(peerDependenciesMeta[name], name).toEqual({ optional: true });
    expect(range, name).toMatch(/^\^/);
    expect(devDependencies, name).toHaveProperty([name]);
    expect(dependencies, name).not.toHaveProperty([name]);
  }
});

test("in this repository, its entries are their sources, so that nothing must be built for a test", async () => {
  const published = await import("tickwork");
  expect(published.TickworkError).toBe((await import("#core")).TickworkError);
  expect(await import("tickwork/api")).toBe(await import("#api"));
});
