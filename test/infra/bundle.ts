/**
 * Bundles as SST 4.17.1 does, which cannot be asked to: its CLI bundles in the middle of a deployment only. The options
 * are those of its sources, pkg/js/js.go for the program and pkg/runtime/node/build.go for the functions.
 */
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";

const BANNER = [
  `import { createRequire as topLevelCreateRequire } from 'module';`,
  `const require = topLevelCreateRequire(import.meta.url);`,
  `import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"`,
  `const __filename = topLevelFileUrlToPath(import.meta.url)`,
  `const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`,
].join("\n");

export const platformOf = (root: string) => join(root, ".sst/platform");

/**
 * Bundles sst.config.ts with SST's components, in the folder where they find their packages.
 *
 * @param outfile has to be in the platform's folder
 */
export async function bundleProgram(root: string, outfile: string): Promise<void> {
  const platform = platformOf(root);
  const lock = await readFile(join(root, ".sst/provider-lock.json"), "utf8");
  const providers = JSON.parse(lock) as { alias: string; package: string }[];
  // `aws`, `sst` and the like are imports that SST writes at the head of every file that is not its own.
  const globals = [
    ...providers.map((provider) => `import * as ${provider.alias} from "${provider.package}";`),
    `import * as sst from "${join(platform, "src/components")}";`,
  ].join("\n");
  await build({
    stdin: {
      contents: [
        `export * as pulumi from "@pulumi/pulumi";`,
        `export { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";`,
        `export { run } from "${join(platform, "src/auto/run.ts")}";`,
        `export { default as config } from "${join(root, "sst.config.ts")}";`,
      ].join("\n"),
      resolveDir: root,
      sourcefile: "eval.ts",
      loader: "ts",
    },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "silent",
    banner: { js: BANNER },
    mainFields: ["module", "main"],
    nodePaths: [join(platform, "node_modules")],
    inject: [join(platform, "src/shim/run.js")],
    external: [
      "@pulumi/*",
      "@pulumiverse/*",
      "@sst-provider/*",
      "@aws-sdk/*",
      "undici",
      "esbuild",
      "archiver",
      "glob",
      "vite",
    ],
    plugins: [
      {
        name: "InjectGlobals",
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.(js|ts|jsx|tsx)$/ }, async ({ path }) =>
            path.includes(".sst")
              ? undefined
              : { contents: `${globals}\n${await readFile(path, "utf8")}`, loader: "default" },
          ),
      },
    ],
  });
}

/** What SST asks its builder for. */
export interface BuildRequest {
  /** From the app's folder, or absolute: `functions/tick.handler`. */
  handler: string;
  runtime: string;
  properties: NodeProperties;
}

/** The part of SST's `nodejs` that its builder reads, as far as it is used here. */
interface NodeProperties {
  minify?: boolean;
  esbuild?: { external?: string[]; conditions?: string[]; nodePaths?: string[]; keepNames?: boolean };
}

export interface Bundle {
  /** What Lambda is told to call. */
  handler: string;
  file: string;
  bytes: number;
  exports: string[];
  /** The source files that something of is in the bundle, from the folder where the process runs. */
  sources: string[];
  /** What is left to be found when it runs, beside Node's own modules. */
  externals: string[];
}

/** Bundles a handler into a folder. */
export async function bundleHandler(root: string, request: BuildRequest, folder: string): Promise<Bundle> {
  const { minify = false, esbuild: own = {} } = request.properties;
  const entry = request.handler.replace(/\.[^.]+$/, "");
  const file = join(folder, "bundle.mjs");
  const { metafile } = await build({
    entryPoints: [join(root, dirname(entry), `${basename(entry)}.ts`)],
    outfile: file,
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
  const output = Object.entries(metafile.outputs).find(([name]) => name.endsWith("bundle.mjs"))?.[1];
  if (!output) throw new Error(`esbuild made no bundle of ${request.handler}`);
  return {
    handler: `bundle.${request.handler.split(".").at(-1)}`,
    file,
    bytes: output.bytes,
    exports: output.exports,
    sources: Object.entries(output.inputs).flatMap(([name, { bytesInOutput }]) =>
      bytesInOutput ? [name] : [],
    ),
    externals: output.imports.filter(({ external }) => external).map(({ path }) => path),
  };
}
