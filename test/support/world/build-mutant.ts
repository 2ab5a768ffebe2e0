import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { Mutant } from "./mutants.ts";
import type { search } from "./search.ts";

const root = join(import.meta.dirname, "../../..");

/** What a mutant does not change, and what all of them must share. */
const EXTERNAL = ["@electric-sql/pglite", "fast-check", "pg", "ioredis"];

/** Bundles the simulation with the changed code in it, and loads it. */
export async function buildMutant(mutant: Mutant): Promise<{ search: typeof search }> {
  const folder = join(root, "node_modules/.cache/tickwork-mutants");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${mutant.name.replace(/\W+/g, "-")}.mjs`);
  const changed = changedFiles(mutant);
  await build({
    entryPoints: [join(root, "test/support/world/search.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    external: EXTERNAL,
    logLevel: "error",
    plugins: [
      {
        name: "mutate",
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = changed.get(path);
            return contents === undefined ? undefined : { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  return (await import(`${pathToFileURL(outfile)}?${Date.now()}`)) as { search: typeof search };
}

/**
 * The files that a mutant changes, by path, as they become.
 *
 * @throws Error when a fragment that it replaces is not in the code exactly once
 */
export function changedFiles({ changes }: Mutant): Map<string, string> {
  const files = new Map<string, string>();
  for (const change of changes) {
    const path = join(root, change.file);
    files.set(path, replaceOnce(files.get(path) ?? readFileSync(path, "utf8"), change));
  }
  return files;
}

/** Replaces a fragment, however it is laid out. */
function replaceOnce(text: string, { file, from, to }: Mutant["changes"][number]): string {
  const pattern = new RegExp(
    from
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join("\\s+")
      .replaceAll("\\(", "\\(\\s*"),
    "g",
  );
  const places = text.match(pattern)?.length ?? 0;
  if (places !== 1) throw new Error(`${file} must contain this exactly once, got ${places} times: ${from}`);
  return text.replace(pattern, () => to);
}
