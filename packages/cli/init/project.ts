/** The project of a folder, as far as `init` has to know it. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "#core";
import { messageOf } from "../../core/errors.ts";

export interface Project {
  folder: string;
  /** The packages that it depends on. */
  packages: ReadonlySet<string>;
  /** What `tickwork dev` needs and the project has not. */
  missing: string[];
  /** How one runs a script of it, and installs packages. */
  run(script: string): string;
  install(packages: readonly string[]): string;
}

/** What was done, or why it was not. */
export interface Step {
  file: string;
  done: boolean;
  what: string;
}

/** By the file that each package manager leaves; npm is the one that needs none. */
const MANAGERS: readonly [file: string, run: string, install: string][] = [
  ["pnpm-lock.yaml", "pnpm", "pnpm add"],
  ["yarn.lock", "yarn", "yarn add"],
  ["bun.lock", "bun run", "bun add"],
  ["bun.lockb", "bun run", "bun add"],
];

const NEEDED = ["tickwork", "@electric-sql/pglite"];

/** @throws ConfigError with one line when the folder has no package.json that can be read */
export function readProject(folder: string): Project {
  const manifest = readManifest(folder);
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const packages = new Set(
    [dependencies, devDependencies, optionalDependencies].flatMap((one) =>
      Object.keys(Object(one) as object),
    ),
  );
  const [, run, install] = MANAGERS.find(([file]) => existsSync(join(folder, file))) ?? [
    "",
    "npm run",
    "npm install",
  ];
  return {
    folder,
    packages,
    missing: NEEDED.filter((name) => !packages.has(name)),
    run: (script) => `${run} ${script}`,
    install: (names) => `${install} ${names.join(" ")}`,
  };
}

function readManifest(folder: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(join(folder, "package.json"), "utf8");
  } catch {
    throw new ConfigError(
      `There is no package.json in ${folder}. Run \`npm init\` first, or go to your project's folder.`,
    );
  }
  try {
    const manifest: unknown = JSON.parse(text);
    if (typeof manifest === "object" && manifest !== null && !Array.isArray(manifest))
      return manifest as Record<string, unknown>;
    throw new Error("it holds no object");
  } catch (error) {
    throw new ConfigError(`${join(folder, "package.json")} must be JSON (${messageOf(error)}).`);
  }
}

export function createIfAbsent({ folder }: Project, file: string, content: string): Step {
  try {
    writeFileSync(join(folder, file), content, { flag: "wx" });
    return { file, done: true, what: "written" };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new ConfigError(`${file} cannot be written (${messageOf(error)}).`);
    return { file, done: false, what: "is there already, and stays as it is" };
  }
}

/** Keeps how the file is indented, and how it ends. */
export function addScript({ folder }: Project, name: string, command: string): Step {
  const file = "package.json";
  const path = join(folder, file);
  const manifest = readManifest(folder);
  const scripts = Object(manifest.scripts) as Record<string, string>;
  if (name in scripts)
    return { file, done: false, what: `has a script \`${name}\` already, and stays as it is` };
  const text = readFileSync(path, "utf8");
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const end = text.endsWith("\n") ? "\n" : "";
  manifest.scripts = { ...scripts, [name]: command };
  try {
    writeFileSync(path, `${JSON.stringify(manifest, null, indent)}${end}`);
  } catch (error) {
    throw new ConfigError(`${file} cannot be written (${messageOf(error)}).`);
  }
  return { file, done: true, what: `has the script \`${name}\` now` };
}

/** The data folder has a key in it. Where there is no `.gitignore`, whether there is to be one is not for `init` to say. */
export function addIgnored({ folder }: Project, name: string): Step[] {
  const file = ".gitignore";
  const path = join(folder, file);
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  if (text.split("\n").some((line) => line.trim().replace(/^\/|\/$/g, "") === name)) return [];
  appendFileSync(path, `${text === "" || text.endsWith("\n") ? "" : "\n"}${name}\n`);
  return [{ file, done: true, what: `has ${name} now, which holds data and a key` }];
}
