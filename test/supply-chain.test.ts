/** What others wrote and users of the package get: pinned, known, and under a licence that asks for no more than a notice. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../scripts/execute.ts";
import {
  ALLOWED_LICENCES,
  IN_FILES,
  lockedPackages,
  optionalPackages,
  shippedPackages,
  withOtherLicences,
} from "../scripts/shipped.ts";

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

test("every package that users get has a licence on the list; npm run licences shows them", () => {
  expect(shippedPackages().length).toBeGreaterThan(10);
  expect(withOtherLicences([...shippedPackages(), ...optionalPackages()])).toEqual([]);
  const strange = { name: "x", version: "1", hasInstallScript: false };
  const licences = ["GPL-3.0", undefined, "(MIT OR GPL-3.0)", "MIT AND GPL-3.0", "(MIT AND ISC)"];
  const refused = withOtherLicences(licences.map((licence) => ({ ...strange, licence })));
  expect(refused.map(({ licence }) => licence)).toEqual(["GPL-3.0", undefined, "MIT AND GPL-3.0"]);
  expect(ALLOWED_LICENCES.has("AGPL-3.0")).toBe(false);
});

test("what is on the disk says the same of its licence as the lock file", () => {
  for (const { name, licence } of shippedPackages())
    expect((JSON.parse(read(`node_modules/${name}/package.json`)) as { license: string }).license, name).toBe(
      licence,
    );
});

test("what the dashboard imports is counted as shipped", () => {
  const folder = join(ROOT, "packages/dashboard/src");
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  const imported = sources.flatMap((file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(/ from "((?:@[\w-]+\/)?[\w-]+)/g)].map(
      ([, name]) => name,
    ),
  );
  const others = new Set(imported.filter((name) => name !== "tickwork"));
  expect(others.size).toBeGreaterThan(0);
  expect([...others].filter((name) => !IN_FILES.includes(name ?? ""))).toEqual([]);
});

test("nothing runs when the package is installed: neither ours nor what it brings", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  // npm runs them where a package is installed, from the registry or from a repository.
  for (const name of ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"])
    expect(scripts).not.toHaveProperty(name);
  expect(existsSync(join(ROOT, "binding.gyp"))).toBe(false);
  expect(shippedPackages().filter(({ hasInstallScript }) => hasInstallScript)).toEqual([]);
});

test("packages come by the lock file alone, each with its hash, and from a registry", () => {
  for (const [folder, { integrity, resolved, link }] of Object.entries(lockedPackages())) {
    if (folder === "") continue;
    expect([integrity, link, resolved], folder).toEqual([
      expect.stringMatching(/^sha512-/),
      undefined,
      undefined,
    ]);
  }
  for (const other of ["yarn.lock", "pnpm-lock.yaml", "bun.lock", "npm-shrinkwrap.json"])
    expect(existsSync(join(ROOT, other)), other).toBe(false);
  for (const file of [".ci/run", ".github/workflows/publish.yml"]) {
    expect(read(file)).toMatch(/\bnpm ci\b/);
    expect(read(file)).not.toMatch(/\bnpm (i|install)\b/);
  }
});

test("npm run sbom lists what is shipped, as CycloneDX", () => {
  const bom = JSON.parse(
    execFileSync(process.execPath, ["--import", "tsx", "scripts/sbom.ts"], { cwd: ROOT, encoding: "utf8" }),
  ) as { bomFormat: string; components: { name: string; version: string; purl: string }[] };
  expect(bom.bomFormat).toBe("CycloneDX");
  const namesOf = (list: readonly { name: string; version: string }[]) =>
    new Set(list.map(({ name, version }) => `${name}@${version}`));
  expect(namesOf(bom.components)).toEqual(namesOf(shippedPackages()));
  for (const { purl } of bom.components) expect(purl).toMatch(/^pkg:npm\//);
}, 60_000);
