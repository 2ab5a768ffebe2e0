import { lstat, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder with a data folder, and files next to that which must survive. */
export async function aDisk() {
  const base = await realpath(await mkdtemp(join(tmpdir(), "tickwork-cleanup-")));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const dataDir = join(base, "data");
  await mkdir(join(dataDir, "imports"), { recursive: true });
  await mkdir(join(base, "data-of-others"));
  for (const file of ["data/a", "data/b", "data/imports/7.csv", "outside", "data-of-others/x"])
    await writeFile(join(base, file), "content");
  const exists = async (path: string) => {
    try {
      await lstat(join(base, path));
      return true;
    } catch {
      return false;
    }
  };
  return { base, dataDir, exists };
}
