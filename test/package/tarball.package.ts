/** What is published: these files and no others, and what they weigh once they are installed. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENTRIES, SST_ENTRIES } from "../../scripts/entries.ts";
import { type Packed, plainProject, ROOT, run, scratch, TOOLS } from "../support/package/scratch.ts";

const packed = JSON.parse(readFileSync(join(scratch(), "packed.json"), "utf8")) as Packed;
const home = join(plainProject(), "node_modules/tickwork");
const paths = packed.files.map(({ path }) => path);
const read = (path: string) => readFileSync(join(home, path), "utf8");
const ofKind = (pattern: RegExp) => paths.filter((path) => pattern.test(path));

const { version } = JSON.parse(read("package.json")) as { version: string };

const MIB = 1024 * 1024;

describe("the tarball", () => {
  test("has modules, their maps and declarations, the README, the license and package.json", () => {
    const others = paths.filter((path) => !/^dist\/[\w./-]+\.(js|js\.map|d\.ts)$/.test(path));
    expect(new Set(others)).toEqual(new Set(["LICENSE", "README.md", "package.json"]));
  });

  test("names no path of the machine that built it", () => {
    const names = [ROOT, `${homedir()}/`, "file:///"];
    for (const path of paths)
      for (const name of names) expect(read(path).includes(name), `${path} has ${name}`).toBe(false);
  });

  test("imports nothing by the names that rooms of the repository have", () => {
    for (const path of ofKind(/\.(js|d\.ts)$/)) expect(read(path), path).not.toMatch(/(from|import\() ?"#/);
  });

  test("has a map for each module with code, with the sources in it", () => {
    const modules = ofKind(/\.js$/).filter((path) => /^\/\/# sourceMappingURL/m.test(read(path)));
    expect(new Set(modules.map((path) => `${path}.map`))).toEqual(new Set(ofKind(/\.map$/)));
    // Those without one have nothing of ours.
    for (const path of ofKind(/\.js$/).filter((one) => !modules.includes(one)))
      expect(read(path), path).not.toMatch(/^\/\/#region (packages|functions|infra)\//m);
    for (const path of ofKind(/\.map$/)) {
      const { sources, sourcesContent } = JSON.parse(read(path)) as Record<string, string[]>;
      expect(
        sources?.filter((source) => !source.startsWith("../")),
        path,
      ).toEqual([]);
      expect(sourcesContent?.filter(Boolean), path).toHaveLength(sources?.length ?? 0);
    }
    for (const path of ofKind(/\.d\.ts$/)) expect(read(path), path).not.toContain("sourceMappingURL");
  });

  test("carries the licenses of the packages that are part of it", () => {
    const [valibot = ""] = ofKind(/\.js$/).filter((path) => /^valibot \S+, MIT$/m.test(read(path)));
    expect(read(valibot)).toContain("Permission is hereby granted, free of charge");
  });
});

/** All files in a folder, with what it takes to keep them. */
function sizesIn(folder: string): { bytes: number; diskBytes: number } {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const stats = files.map(({ parentPath, name }) => statSync(join(parentPath, name)));
  return {
    bytes: stats.filter((one) => one.isFile()).reduce((sum, { size }) => sum + size, 0),
    diskBytes: stats.reduce((sum, { blocks }) => sum + blocks * 512, 0),
  };
}

test("`npm install tickwork` installs at most 10 MB, and nothing that only some entries need", () => {
  const modules = join(plainProject(), "node_modules");
  const { bytes, diskBytes } = sizesIn(modules);
  const mib = (size: number) => (size / MIB).toFixed(1);
  console.log(
    `npm install tickwork: ${mib(bytes)} MiB of files, ${mib(diskBytes)} MiB on disk; tarball ${mib(packed.size)} MiB`,
  );
  expect(diskBytes).toBeLessThanOrEqual(10 * MIB);
  const { peerDependencies } = JSON.parse(read("package.json")) as { peerDependencies: object };
  const installed = readdirSync(modules, { recursive: true, encoding: "utf8" });
  for (const name of [...Object.keys(peerDependencies), "tsx", "esbuild", "valibot", "typescript"])
    expect(installed, name).not.toContain(name);
});

describe("by the rules of", () => {
  const tarball = () => join(scratch(), packed.filename);

  test("publint, it is published correctly", async () => {
    const said = await run(join(TOOLS, ".bin/publint"), ["--strict", tarball()], scratch());
    expect(said).toContain("All good!");
  });

  test("Are The Types Wrong, every entry has the right types", async () => {
    const args = [tarball(), "--profile", "esm-only", "--no-color", "--no-emoji", "--format", "ascii"];
    // Fails when there is a problem with ES modules; CommonJS and Node 10 are none of the package's.
    const said = await run(join(TOOLS, ".bin/attw"), args, scratch());
    for (const entry of [...Object.keys(ENTRIES), ...Object.keys(SST_ENTRIES)])
      expect(said).toContain(`"${entry}"`);
  });

  test("npm, it can be published without a warning", async () => {
    const command = `npm publish '${tarball()}' --dry-run --ignore-scripts --loglevel warn 2>&1`;
    const said = await run("sh", ["-c", command], scratch());
    // Nobody is logged in here.
    const lines = said.split("\n").filter((line) => line && !line.includes("requires you to be logged in"));
    expect(lines).toEqual([`+ tickwork@${version}`]);
  });
});
