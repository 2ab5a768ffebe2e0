/** The rooms of the house: imports point one way, and what is said once is said once. */
import { describe, expect, test } from "vitest";
import { filesOf, findCircle, importsOf, pictureOf, read } from "./support/imports.ts";
import { readEntry } from "./support/public-entry.ts";

/** The rooms that a room may import. */
const allowed: Record<string, string[]> = {
  core: [],
  "memory-redis": [],
  drivers: ["core", "memory-redis"],
  aws: ["core", "drivers"],
  api: ["core"],
  tasks: ["core"],
  compat: ["core"],
  connect: ["core", "drivers"],
  client: ["core"],
  local: ["core", "drivers", "api", "tasks", "client", "compat"],
  testing: ["core", "drivers", "memory-redis"],
  tickwork: ["core", "connect"],
  cli: ["core", "client", "compat", "tasks", "local", "tickwork"],
  functions: ["core", "aws", "api", "tasks"],
};

/** The same inside core, from the ground up. */
const allowedInCore: Record<string, string[]> = {
  "core/ground": [],
  "core/tasks": ["core/ground"],
  "core/store": ["core/ground", "core/tasks"],
  "core/gate": ["core/ground", "core/tasks", "core/store"],
  "core/doorbell": ["core/ground", "core/tasks"],
  "core/run": ["core/ground", "core/tasks", "core/store", "core/gate", "core/doorbell"],
  "core/services": ["core/ground", "core/tasks", "core/store", "core/gate", "core/doorbell", "core/run"],
};

/** The files of core that put its rooms together; all others beside them are its ground. */
const ROOT_OF_CORE = ["tickwork.ts", "current.ts", "index.ts"];

const files = [...filesOf("packages"), ...filesOf("functions")];

function roomOf(file: string): string | undefined {
  const [folder, room] = file.split("/");
  if (folder === "functions") return folder;
  return folder === "packages" && room !== undefined && room in allowed ? room : undefined;
}

function roomInCore(file: string): string | undefined {
  const [folder, core, name = "", inside] = file.split("/");
  if (folder !== "packages" || core !== "core") return undefined;
  if (inside !== undefined) return `core/${name}`;
  return ROOT_OF_CORE.includes(name) ? "core/root" : "core/ground";
}

/** Expects that a room imports only from itself and from those that it may; else shows the picture. */
function expectOneWay(
  room: string,
  may: readonly string[],
  roomOfFile: (file: string) => string | undefined,
): void {
  for (const file of files.filter((one) => roomOfFile(one) === room))
    for (const { target } of importsOf(file)) {
      const other = roomOfFile(target) ?? room;
      if (other !== room && !may.includes(other))
        expect.fail(
          `${file} → ${target}: ${room} may not import ${other}\n\n${pictureOf(files, roomOfFile)}`,
        );
    }
}

describe("imports point one way", () => {
  test.each(Object.entries(allowed))("%s imports only %j", (room, may) => {
    expectOneWay(room, may, roomOf);
  });

  test.each(Object.entries(allowedInCore))("%s imports only %j", (room, may) => {
    expectOneWay(room, may, roomInCore);
  });

  test("every file belongs to one of these rooms", () => {
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
    const known = [...Object.keys(allowedInCore), "core/root"];
    expect(filesOf("packages/core").filter((file) => !known.includes(roomInCore(file) ?? ""))).toEqual([]);
  });

  test("and form no circle, not even of types, not even inside a room", () => {
    const circle = findCircle(files);
    if (circle)
      expect.fail(
        `${circle.join("\n  → ")}\n\n${pictureOf(files, roomOf)}\n\n${pictureOf(files, roomInCore)}`,
      );
  });
});

describe("there is one way to import something from another room", () => {
  const fromOtherRooms = files.flatMap((file) =>
    importsOf(file)
      .filter(({ target }) => roomOf(target) !== undefined && roomOf(target) !== roomOf(file))
      .map((one) => ({ ...one, file })),
  );

  test("its entry by the room's name, its other files by their path", () => {
    const byPath = fromOtherRooms.filter(({ target }) => /^packages\/[^/]+\/index\.ts$/.test(target));
    expect(byPath.filter(({ specifier }) => !specifier.startsWith("#"))).toEqual([]);
  });

  test("what core's public entry has, from there", () => {
    const publicNames = new Set(readEntry().map(({ name }) => name));
    const around = fromOtherRooms.filter(({ target }) => /^packages\/core\/(?!index\.ts)/.test(target));
    expect(
      around.flatMap(({ file, names }) =>
        names.filter((name) => publicNames.has(name)).map((name) => `${file} imports ${name}`),
      ),
    ).toEqual([]);
  });
});

test("core needs Node, Valibot, croner and Standard Schema, but no vendor's client and no framework", () => {
  const needed = filesOf("packages/core").flatMap((file) => importsOf(file).map(({ target }) => target));
  const packages = needed.filter((target) => !/^(packages\/|node:)/.test(target));
  expect(new Set(packages)).toEqual(new Set(["@standard-schema/spec", "croner", "valibot"]));
});

test("the client takes nothing from other rooms but types", () => {
  for (const file of filesOf("packages/client"))
    expect(read(file), file).not.toMatch(/^(import|export) (?!type )[^;]*from "(#|\.\.)/m);
});

test("core reads no environment", () => {
  for (const file of filesOf("packages/core")) expect(read(file), file).not.toMatch(/process\.env/);
});

test("SQL over tasks stands in the store and in the gate of Postgres, Lua in the gate of Redis", () => {
  for (const file of [
    ...filesOf("packages/core"),
    ...filesOf("packages/api"),
    ...filesOf("packages/tasks"),
  ]) {
    if (/core\/store\/|postgres-gate\.ts$/.test(file)) continue;
    expect(read(file), file).not.toMatch(/"baasix_Tasks"\s+(set|where|t\b)|from "baasix_Tasks"/);
    if (!/core\/gate\/scripts\//.test(file)) expect(read(file), file).not.toMatch(/redis\.call|\bcall\('/);
  }
});

test("handlers are short: they wire, call and return", () => {
  for (const file of filesOf("functions"))
    expect(read(file).trimEnd().split("\n").length, file).toBeLessThanOrEqual(25);
});

test("a function's module exports its handler, and nothing else", () => {
  for (const file of filesOf("functions").filter((one) => !/\/(secrets|definitions)\.ts$/.test(one))) {
    const exported = [...read(file).matchAll(/^export (?:async function|const|function|class) (\w+)/gm)];
    expect(
      exported.map(([, name]) => name),
      file,
    ).toEqual(["handler"]);
  }
});
