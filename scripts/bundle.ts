/**
 * Bundles functions as SST 4.17.1 does for Lambda. SST's own builder cannot be called: it runs only in the middle of a
 * deployment. The options are those of its sources (pkg/runtime/node/build.go) and of `infra/bundling.ts`.
 */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { build, type Metafile } from "esbuild";
import { bundling } from "../infra/bundling.ts";

export const ROOT = join(import.meta.dirname, "..");
export const FUNCTIONS = ["tick", "refresh", "api", "migrate"] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** What a cold start of each function loads at most, here and in an app of one's own. */
export const LOADED_LIMIT_KIB: Readonly<Record<FunctionName, number>> = {
  tick: 390,
  refresh: 390,
  api: 500,
  migrate: 256,
};

/** SST writes this at the head of every bundle, because packages that are CommonJS inside call `require`. */
export const BANNER = [
  `import { createRequire as topLevelCreateRequire } from 'module';`,
  `const require = topLevelCreateRequire(import.meta.url);`,
  `import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"`,
  `const __filename = topLevelFileUrlToPath(import.meta.url)`,
  `const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`,
  "",
].join("\n");

/** A request to SST's builder. */
export interface BuildRequest {
  /** Relative to the app's folder, or absolute: `functions/tick.handler`. */
  handler: string;
  runtime: string;
  properties: NodeProperties;
}

/** What SST's builder reads of the option `nodejs`, as far as it is used here. */
export interface NodeProperties {
  minify?: boolean;
  splitting?: boolean;
  esbuild?: { external?: string[]; conditions?: string[]; nodePaths?: string[]; keepNames?: boolean };
}

export interface Bundle {
  /** The handler that Lambda calls. */
  handler: string;
  /** The module that exports it. */
  file: string;
  /** The size of what importing that module loads: itself, and what it imports statically. */
  loadedBytes: number;
  /** The size of all modules, those included that are loaded later. */
  bytes: number;
  exports: string[];
  /** The source files with any code in the bundle, relative to the working directory. */
  sources: string[];
  /** The source files that are loaded at first, with their bytes. */
  loaded: Record<string, number>;
  /** Imports that are resolved at run time. */
  externals: string[];
  /** Those of them that are loaded at first. */
  loadedExternals: string[];
  sourcemaps: string[];
}

/** The file of a handler: it is named without its extension, and SST tries one after the other. */
function sourceOf(entry: string): string {
  const file = [".ts", ".tsx", ".mts", ".cts", ".js"].map((extension) => entry + extension).find(existsSync);
  if (!file) throw new Error(`Handler not found: ${entry}`);
  return file;
}

/** Bundles a handler of an app into a folder. */
export async function bundleHandler(root: string, request: BuildRequest, folder: string): Promise<Bundle> {
  const { minify = false, splitting = false, esbuild: own = {} } = request.properties;
  const entry = request.handler.replace(/\.[^.]+$/, "");
  const { metafile } = await build({
    entryPoints: [sourceOf(join(root, entry))],
    ...(splitting
      ? { splitting, outdir: folder, outExtension: { ".js": ".mjs" }, entryNames: "bundle" }
      : { outfile: join(folder, "bundle.mjs") }),
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "silent",
    metafile: true,
    sourcemap: "linked",
    keepNames: own.keepNames ?? true,
    minify,
    mainFields: ["module", "main"],
    target: request.runtime === "nodejs24.x" ? "es2024" : "es2023",
    banner: { js: BANNER },
    external: ["sharp", "pg-native", ...(own.external ?? [])],
    ...(own.conditions && { conditions: own.conditions }),
    ...(own.nodePaths && { nodePaths: own.nodePaths }),
  });
  return {
    handler: `bundle.${request.handler.split(".").at(-1)}`,
    file: join(folder, "bundle.mjs"),
    ...describe(metafile),
  };
}

/**
 * Bundles one of the functions as it is deployed.
 *
 * @param tasks the module that exports the task definitions
 * @example await bundleFunction("tick", "/tmp/tick"); // { file: "/tmp/tick/bundle.mjs", loadedBytes: 280_000, … }
 */
export async function bundleFunction(
  name: FunctionName,
  folder: string,
  tasks = join(ROOT, "packages/tasks/index.ts"),
): Promise<Bundle> {
  const properties = bundling(tasks, `${folder}.tasks`);
  return bundleHandler(
    ROOT,
    { handler: `functions/${name}.handler`, runtime: "nodejs24.x", properties },
    folder,
  );
}

function describe({ outputs }: Metafile): Omit<Bundle, "handler" | "file"> {
  const names = Object.keys(outputs);
  const modules = names.filter((name) => name.endsWith(".mjs"));
  const entry = modules.find((name) => basename(name) === "bundle.mjs") ?? "";
  const loaded = new Set<string>();
  const load = (name: string) => {
    if (loaded.has(name)) return;
    loaded.add(name);
    for (const { path, kind, external } of outputs[name]?.imports ?? [])
      if (kind === "import-statement" && !external) load(path);
  };
  load(entry);
  /** The bytes of each source in some of the modules. */
  const sourcesOf = (some: Iterable<string>) => {
    const bytes: Record<string, number> = {};
    for (const name of some)
      for (const [source, { bytesInOutput }] of Object.entries(outputs[name]?.inputs ?? {}))
        if (bytesInOutput > 0) bytes[source] = (bytes[source] ?? 0) + bytesInOutput;
    return bytes;
  };
  const externalsOf = (name: string) => (outputs[name]?.imports ?? []).filter(({ external }) => external);
  const bytesOf = (some: Iterable<string>) =>
    [...some].reduce((sum, name) => sum + (outputs[name]?.bytes ?? 0), 0);
  return {
    loadedBytes: bytesOf(loaded),
    bytes: bytesOf(modules),
    exports: outputs[entry]?.exports ?? [],
    sources: Object.keys(sourcesOf(modules)),
    loaded: sourcesOf(loaded),
    externals: modules.flatMap((name) => externalsOf(name).map(({ path }) => path)),
    loadedExternals: [...loaded].flatMap((name) =>
      externalsOf(name).flatMap(({ path, kind }) => (kind === "import-statement" ? path : [])),
    ),
    sourcemaps: names.filter((name) => name.endsWith(".map")),
  };
}
