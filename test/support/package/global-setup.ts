/** Packs what `npm run build` made, and installs it as users do. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Packed, ROOT, run } from "./scratch.ts";

export default async function setup(): Promise<() => void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "tickwork-package-")));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const packing = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    const [packed] = JSON.parse(await run("npm", packing, ROOT)) as [Packed];
    writeFileSync(join(folder, "packed.json"), JSON.stringify(packed));
    const tarball = join(folder, packed.filename);
    await Promise.all([
      install(join(folder, "plain"), [tarball]),
      install(join(folder, "embedded"), [tarball, "@electric-sql/pglite"]),
    ]);
  } catch (error) {
    remove();
    throw error;
  }
  process.env.TICKWORK_SCRATCH = folder;
  return remove;
}

async function install(project: string, packages: readonly string[]): Promise<void> {
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...packages], project);
}
