/** `npm run build`: makes `dist/`, which is all that is published. What goes in is in `scripts/entries.ts`. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type UserConfig } from "tsdown";
import { OWN_TASKS } from "./infra/bundling.ts";
import { builtName, ENTRIES, PROGRAMS, SST_ENTRIES } from "./scripts/entries.ts";
import { PREPARED, writePreparedPostgres } from "./scripts/prepared-postgres.ts";
import { BUNDLED } from "./scripts/shipped.ts";

const filesOf = (entries: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(entries).map(([name, file]) => [builtName(name), file]));

const common: UserConfig = {
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
  sourcemap: true,
  logLevel: "warn",
  inputOptions: { checks: { pluginTimings: false } },
  hooks: { "build:done": ({ chunks }) => forgetMaps(chunks.map(({ fileName }) => fileName)) },
};

/** A file beside all others. */
const PREPARED_FILE = "./prepared-postgres.js";

export default defineConfig([
  {
    ...common,
    entry: { ...filesOf(ENTRIES), ...PROGRAMS },
    deps: { onlyBundle: BUNDLED },
    dts: {
      entry: Object.values(ENTRIES),
      tsgo: { path: join("node_modules", ".bin", "tsc") },
      sourcemap: false,
    },
    plugins: [
      {
        name: "elsewhere",
        resolveId(source, importer) {
          // The functions find an app's tasks as `infra/bundling.ts` says.
          if (source === "#tasks" && importer?.endsWith("/functions/definitions.ts"))
            return { id: OWN_TASKS, external: true };
          return source === PREPARED ? { id: PREPARED_FILE, external: true } : undefined;
        },
        writeBundle: ({ dir = "" }) => writePreparedPostgres(join(dir, PREPARED_FILE)),
      },
    ],
    outputOptions: { banner: ({ moduleIds }) => licensesIn(moduleIds) },
  },
  {
    ...common,
    entry: filesOf(SST_ENTRIES),
    deps: { onlyBundle: [] },
    // Without SST's types, which are in no package: the declarations are read off.
    dts: { oxc: true, sourcemap: false },
    outputOptions: { chunkFileNames: "sst/[name].js" },
  },
]);

/** Declarations have no maps, since their sources are not published; the bundler names maps all the same. */
function forgetMaps(files: readonly string[]): void {
  for (const file of files.filter((name) => name.endsWith(".d.ts")).map((name) => join("dist", name)))
    writeFileSync(file, readFileSync(file, "utf8").replace(/\n\/\/# sourceMappingURL=.*/, "\n"));
}

/** The licenses of the packages that modules are from, for the head of the file that contains them. */
function licensesIn(modules: readonly string[]): string {
  const packages = new Set(
    modules.flatMap((id) => /.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []),
  );
  return [...packages].map(licenseOf).join("");
}

function licenseOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license: string;
  };
  const files = readdirSync(folder);
  const file = files.find((one) => /^licen[cs]e/i.test(one)) ?? files.find((one) => /^readme/i.test(one));
  // A README has it in a section of its own.
  const text = file ? readFileSync(join(folder, file), "utf8").replace(/^.*\n#+ licen[cs]e\n/is, "") : "";
  return `/*\n${name} ${version}, ${license}\n\n${text.trim()}\n*/\n`;
}
