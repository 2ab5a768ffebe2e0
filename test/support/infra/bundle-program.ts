/** Bundles an app's program as SST 4.17.1 does, with the options of its sources (pkg/js/js.go). */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { BANNER } from "../../../scripts/bundle.ts";

export const platformOf = (root: string) => join(root, ".sst/platform");

/**
 * Bundles a program with SST's components.
 *
 * @param outfile must be in the platform's folder, where the components find their packages
 */
export async function bundleProgram(root: string, config: string, outfile: string): Promise<void> {
  const platform = platformOf(root);
  const lock = await readFile(join(root, ".sst/provider-lock.json"), "utf8");
  const providers = JSON.parse(lock) as { alias: string; package: string }[];
  // SST makes `aws`, `sst` and the like available by writing imports at the head of every file that is not its own.
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
        `export { default as config } from "${config}";`,
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
