/** Reads a Dockerfile, and builds what it says in folders of this machine: no engine is needed. */
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./scratch.ts";

export interface Instruction {
  /** In capitals. */
  keyword: string;
  flags: Record<string, string>;
  /** The rest, on one line. */
  text: string;
}

export interface Stage {
  from: string;
  /** How later stages call it. */
  name: string;
  instructions: Instruction[];
}

export function readDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n");
  for (const line of lines.filter((one) => one.trim())) {
    const [, keyword = "", flags = "", rest = ""] = /^\s*(\w+)((?:\s+--\S+)*)\s+(.*)$/.exec(line) ?? [];
    if (keyword.toUpperCase() === "FROM") {
      const [from = "", , name = String(stages.length)] = rest.split(/\s+/);
      stages.push({ from, name, instructions: [] });
    } else
      stages.at(-1)?.instructions.push({
        keyword: keyword.toUpperCase(),
        flags: Object.fromEntries(
          [...flags.matchAll(/--([\w-]+)=(\S+)/g)].map(([, flag = "", value = ""]) => [flag, value]),
        ),
        text: rest.trim(),
      });
  }
  return stages;
}

/** The words of an exec form; undefined for a line that a shell would have to read. */
export function execForm(text: string): string[] | undefined {
  try {
    return JSON.parse(text) as string[];
  } catch {
    return undefined;
  }
}

export interface Image {
  /** Stands for `/`. */
  root: string;
  /** Where its command runs, on this machine. */
  workingFolder: string;
  env: Record<string, string>;
  user: number;
  command: string[];
  healthCheck: string[];
}

/**
 * Builds the last stage. A `RUN` is really run, by the shell of this machine; the base images are empty.
 *
 * @param context the folder that `COPY` copies from, with a `Dockerfile` and a `.dockerignore`
 * @param folder where the stages are built
 */
export async function buildImage(context: string, folder: string): Promise<Image> {
  const roots = new Map<string, string>();
  let image: Image | undefined;
  for (const { name, instructions } of readDockerfile(readFileSync(join(context, "Dockerfile"), "utf8"))) {
    const root = join(folder, name);
    mkdirSync(root, { recursive: true });
    roots.set(name, root);
    image = { root, workingFolder: root, env: {}, user: 0, command: [], healthCheck: [] };
    for (const instruction of instructions) await follow(instruction, image, context, roots);
  }
  if (!image) throw new Error("a Dockerfile must have a FROM, and has none");
  return image;
}

async function follow(
  { keyword, flags, text }: Instruction,
  image: Image,
  context: string,
  roots: ReadonlyMap<string, string>,
): Promise<void> {
  if (keyword === "WORKDIR") {
    image.workingFolder = join(image.root, text);
    mkdirSync(image.workingFolder, { recursive: true });
  } else if (keyword === "ENV")
    for (const [, name = "", value = ""] of text.matchAll(/(\w+)=(\S+)/g)) image.env[name] = value;
  else if (keyword === "COPY") copy(text.split(/\s+/), flags.from, image, context, roots);
  else if (keyword === "RUN") await run("sh", ["-c", text], image.workingFolder);
  else if (keyword === "USER") image.user = Number(text);
  else if (keyword === "CMD") image.command = execForm(text) ?? ["sh", "-c", text];
  else if (keyword === "HEALTHCHECK") image.healthCheck = execForm(text.replace(/^CMD\s+/, "")) ?? [];
  else if (keyword !== "EXPOSE") throw new Error(`no test knows how to follow ${keyword}`);
}

function copy(
  words: readonly string[],
  from: string | undefined,
  image: Image,
  context: string,
  roots: ReadonlyMap<string, string>,
): void {
  const target = resolve(image.workingFolder, words.at(-1) ?? "");
  for (const source of words.slice(0, -1)) {
    if (from !== undefined) cpSync(join(roots.get(from) ?? "", source), target, { recursive: true });
    else if (source === ".")
      for (const name of readdirSync(context).filter(notIgnored(context)))
        cpSync(join(context, name), join(target, name), { recursive: true });
    else cpSync(join(context, source), join(target, source), { recursive: true });
  }
}

/** By the names in `.dockerignore`, which may have stars, but no slashes. */
function notIgnored(context: string): (name: string) => boolean {
  const patterns = readFileSync(join(context, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => new RegExp(`^${line.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`));
  return (name) => !patterns.some((pattern) => pattern.test(name));
}
