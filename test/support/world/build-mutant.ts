import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { Mutant } from "./mutants.ts";
import type { search } from "./search.ts";

const root = join(import.meta.dirname, "../../..");

/** What a mutant does not change, and what has to be the same for all. */
const EXTERNAL = ["@electric-sql/pglite", "fast-check", "pg", "ioredis"];

/** The simulation with the changed core in it. */
export async function buildMutant(mutant: Mutant): Promise<{ search: typeof search }> {
  const folder = join(root, "node_modules/.cache/tickwork-mutants");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${mutant.name.replace(/\W+/g, "-")}.mjs`);
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
            const changes = mutant.changes.filter(({ file }) => path === join(root, file));
            if (changes.length === 0) return undefined;
            return { contents: changes.reduce(mutate, readFileSync(path, "utf8")), loader: "ts" };
          });
        },
      },
    ],
  });
  return (await import(`${pathToFileURL(outfile)}?${Date.now()}`)) as { search: typeof search };
}

/** Replaces what is there exactly once; how it is laid out does not matter. */
function mutate(text: string, { file, from, to }: Mutant["changes"][number]): string {
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
  if (places !== 1)
    throw new Error(`${file} has ${places} places like this, and there should be one: ${from}`);
  return text.replace(pattern, () => to);
}
