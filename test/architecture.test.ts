/** The rooms of the house: imports point one way, and what is said once is said once. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const filesOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|mjs)$/.test(file))
    .map((file) => join(folder, file));
const read = (file: string) => readFileSync(join(root, file), "utf8");
/** The packages, rooms and files that a file imports; a relative one is told from the root. */
const importsOf = (file: string) =>
  [...read(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name = ""]) =>
    name.startsWith(".") ? relative(root, join(root, file, "..", name)) : name,
  );

const rooms = ["core", "aws", "drivers", "api", "tasks", "local", "compat", "memory-redis"];
/** Whom a room may import. */
const allowed: Record<string, string[]> = {
  core: [],
  "memory-redis": [],
  drivers: ["core", "memory-redis"],
  aws: ["core", "drivers"],
  api: ["core"],
  tasks: ["core"],
  compat: ["core"],
  local: ["core", "aws", "drivers", "memory-redis", "api", "tasks", "functions"],
  functions: ["core", "aws", "api", "tasks"],
};

describe("imports point one way", () => {
  test.each(Object.keys(allowed))("%s", (room) => {
    const folder = room === "functions" ? "functions" : join("packages", room);
    for (const file of filesOf(folder))
      for (const name of importsOf(file)) {
        const other = name.startsWith("#")
          ? name.slice(1)
          : rooms.find((one) => name.startsWith(`packages/${one}/`) && one !== room);
        if (other && rooms.includes(other)) expect(allowed[room], `${file} imports ${name}`).toContain(other);
        if (name.startsWith("functions/") && room !== "functions")
          expect(allowed[room], `${file} imports ${name}`).toContain("functions");
      }
  });
});

test("core knows no Hono, no SST and no Pulumi", () => {
  for (const file of filesOf("packages/core"))
    for (const name of importsOf(file)) expect(name, file).not.toMatch(/^(hono|sst|@pulumi)/);
});

test("core constructs no client of a vendor and reads no environment", () => {
  for (const file of filesOf("packages/core")) {
    const text = read(file);
    expect(text, file).not.toMatch(/process\.env/);
    expect(text, file).not.toMatch(/import \{ (neon|Redis)\b/);
    expect(text, file).not.toMatch(/@aws-sdk/);
  }
});

test("SQL over tasks stands in the store and in the gate of Postgres, Lua in the gate of Redis", () => {
  for (const file of [
    ...filesOf("packages/core"),
    ...filesOf("packages/api"),
    ...filesOf("packages/tasks"),
  ]) {
    if (/core\/store\/|postgres-gate\.ts$/.test(file)) continue;
    expect(read(file), file).not.toMatch(/"baasix_Tasks"\s+(set|where|t\b)|from "baasix_Tasks"/);
    if (!/core\/gate\/(scripts\/|redis-commands\.ts$)/.test(file))
      expect(read(file), file).not.toMatch(/redis\.call|\bcall\('/);
  }
});

test("handlers are short: they wire, call and return", () => {
  for (const file of filesOf("functions"))
    expect(read(file).trimEnd().split("\n").length, file).toBeLessThanOrEqual(25);
});
