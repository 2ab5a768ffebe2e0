/** An adapter as a program that Node runs without anything between; packages are found from where it lies. */
import { join } from "node:path";
import { build } from "esbuild";

/**
 * @param root the repository: this one, or another version of it
 * @returns the program's file
 */
export async function buildProgram(root: string, folder: string, name: string): Promise<string> {
  const outfile = join(root, "bench", folder, ".built", `${name}.mjs`);
  await build({
    entryPoints: [join(root, "bench", folder, `${name}.ts`)],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node24",
    logLevel: "warning",
  });
  return outfile;
}
