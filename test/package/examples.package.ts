/** The apps in `examples/` compile against the packed package, as they are. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { plainProject, ROOT, run, scratch } from "../support/package/scratch.ts";

/** What each app's package.json lists and this repository has, too; the rest, such as Next, no source of theirs imports. */
function packagesOf(app: string): string[] {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(app, "package.json"), "utf8"),
  ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
  return ["@types/node", ...Object.keys({ ...dependencies, ...devDependencies })].filter(
    (name) => name !== "tickwork" && existsSync(join(ROOT, "node_modules", name)),
  );
}

test.each(["express", "hono", "nextjs"])("%s", { timeout: 60_000 }, async (name) => {
  const app = mkdtempSync(join(scratch(), `${name}-`));
  cpSync(join(ROOT, "examples", name), app, {
    recursive: true,
    filter: (file) => !file.endsWith("/node_modules"),
  });
  cpSync(plainProject(), app, {
    recursive: true,
    filter: (file) => !file.endsWith("/package.json") || file.includes("node_modules"),
  });
  for (const one of packagesOf(app)) {
    const link = join(app, "node_modules", one);
    if (existsSync(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", one), link);
  }
  expect(await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "."], app)).toBe(
    "",
  );
});
