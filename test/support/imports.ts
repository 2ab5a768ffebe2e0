/** Who imports whom: every import of the sources, those of types and those with `import()` included. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** All source files of a folder, from the root of the repository. */
export function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(tsx?|js)$/.test(file))
    .map((file) => join(folder, file));
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

export interface Import {
  /** As it is written. */
  specifier: string;
  /** The file that it leads to, from the root of the repository; of a package, its name and subpath. */
  target: string;
  /** What is imported by name. */
  names: string[];
}

/** What is exported may be SQL, which has `from` too: no clause of an import has a backtick. */
const IMPORT = /(?:(?:import|export)(?: type)? (\{[^}]*\}|[^;"'`]*?) ?from|import\(|import) ?"([^"]+)"/g;

export function importsOf(file: string): Import[] {
  const code = read(file).replaceAll(/\/\*.*?\*\/|^\s*\/\/.*$/gms, "");
  return [...code.matchAll(IMPORT)].map(([, clause = "", specifier = ""]) => ({
    specifier,
    target: targetOf(file, specifier),
    names: [...clause.matchAll(/(?<=[{,]\s*)(?:type )?(\w+)/g)].map(([, name = ""]) => name),
  }));
}

/** The entries of rooms: `#core`, `#api`, …. */
const ENTRIES = Object.entries(
  JSON.parse(read("package.json")).imports as Record<string, string | object>,
).map(([name, file]) => [name, typeof file === "string" ? file : Object.values(file).at(-1)] as const);

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith(".")) return join(file, "..", specifier);
  const [, entry] = ENTRIES.find(([name]) => name === specifier) ?? [];
  return entry ? join(entry) : specifier;
}

/** A way along the imports from a file back to itself, if there is one. */
export function findCircle(files: readonly string[]): string[] | undefined {
  const finished = new Set<string>();
  const walk = (file: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const { target } of importsOf(file)) {
      const circle = files.includes(target) ? walk(target, [...way, file]) : undefined;
      if (circle) return circle;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of files) {
    const circle = walk(file, []);
    if (circle) return circle;
  }
  return undefined;
}

/** The rooms and their arrows, a line for each. */
export function pictureOf(files: readonly string[], roomOf: (file: string) => string | undefined): string {
  const arrows = new Map<string, Set<string>>();
  for (const file of files)
    for (const { target } of importsOf(file)) {
      const [from, to] = [roomOf(file), roomOf(target)];
      if (from && to && from !== to) arrows.set(from, (arrows.get(from) ?? new Set()).add(to));
    }
  const width = Math.max(...[...arrows.keys()].map((room) => room.length));
  return [...arrows].map(([from, to]) => `${from.padEnd(width)} → ${[...to].sort().join(", ")}`).join("\n");
}
