/** What is deployed: a folder for each function, beside what Lambda's runtime has for all of them. */
import { createCipheriv, randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleFunction, type FunctionName, ROOT } from "../../../scripts/bundle.ts";

export interface Packages {
  root: string;
  /** A function's folder. */
  folder(name: FunctionName): string;
  /** What starts a function's process. */
  command: string[];
  /** Encrypts what is linked to a function as SST does, and says what it needs in its environment to read it. */
  link(resources: Record<string, unknown>): Promise<Record<string, string>>;
  remove(): Promise<void>;
}

/**
 * Builds functions, away from the repository: what is missing in a bundle is not found by accident.
 *
 * @param tasks a registry in place of the one that ships
 * @param bundle makes a function in a folder; by default from the sources of this repository
 */
export async function buildPackages(
  names: readonly FunctionName[],
  tasks?: string,
  bundle: (name: FunctionName, folder: string, tasks?: string) => Promise<unknown> = bundleFunction,
): Promise<Packages> {
  const root = await mkdtemp(join(tmpdir(), "tickwork-lambda-"));
  const runtime = join(root, "runtime");
  // The runtime has the SDK, for functions that leave it out of their bundles.
  await mkdir(join(root, "node_modules"));
  await symlink(join(ROOT, "node_modules/@aws-sdk"), join(root, "node_modules/@aws-sdk"));
  await Promise.all([
    ...names.map((name) => bundle(name, join(root, name), tasks)),
    build({
      entryPoints: ["runtime-client", "reach-neon"].map((file) => join(import.meta.dirname, `${file}.ts`)),
      outdir: runtime,
      outExtension: { ".js": ".mjs" },
      format: "esm",
      platform: "node",
      logLevel: "error",
    }),
  ]);
  return {
    root,
    folder: (name) => join(root, name),
    command: [
      process.execPath,
      "--import",
      join(runtime, "reach-neon.mjs"),
      join(runtime, "runtime-client.mjs"),
    ],
    async link(resources) {
      const key = randomBytes(32);
      const cipher = createCipheriv("aes-256-gcm", key, Buffer.alloc(12));
      const file = join(root, `${randomUUID()}.enc`);
      await writeFile(
        file,
        Buffer.concat([cipher.update(JSON.stringify(resources)), cipher.final(), cipher.getAuthTag()]),
      );
      return {
        SST_KEY: key.toString("base64"),
        SST_KEY_FILE: file,
        SST_RESOURCE_App: JSON.stringify({ name: "tickwork", stage: "test" }),
      };
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
