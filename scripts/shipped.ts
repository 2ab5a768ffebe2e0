/** What of other people's work a user of the package gets: installed beside it, or as a part of its files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./execute.ts";

/** Packages that are part of what is built; importing any other that is not installed with Tickwork is an error. */
export const BUNDLED = [
  "@hono/node-server",
  "@standard-schema/spec",
  "@valibot/to-json-schema",
  "hono",
  "valibot",
  "pg-types",
  // What that consists of.
  "pg-int8",
  "postgres-array",
  "postgres-bytea",
  "postgres-date",
  "postgres-interval",
  "xtend",
];

/** Packages that are part of the dashboard's files, and of the database that the embedded Postgres begins with. */
export const IN_FILES = ["preact", "@electric-sql/pglite-prepopulatedfs"];

/** Licences that ask for no more than a notice. */
export const ALLOWED_LICENCES: ReadonlySet<string> = new Set([
  ...[
    "MIT",
    "MIT-0",
    "ISC",
    "0BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Apache-2.0",
    "BlueOak-1.0.0",
    "PostgreSQL",
  ],
]);

interface Locked {
  version: string;
  license?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  hasInstallScript?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface ShippedPackage {
  name: string;
  version: string;
  /** As its package.json says; undefined: it does not. */
  licence: string | undefined;
  hasInstallScript: boolean;
}

const readJson = (file: string) => JSON.parse(readFileSync(join(ROOT, file), "utf8")) as unknown;

/** The lock file's packages, by their folder. */
export const lockedPackages = () =>
  (readJson("package-lock.json") as { packages: Record<string, Locked> }).packages;

/** Whatever a user gets without asking for it. */
export function shippedPackages(): ShippedPackage[] {
  const { dependencies } = readJson("package.json") as { dependencies: Record<string, string> };
  return withTheirs([...Object.keys(dependencies), ...BUNDLED, ...IN_FILES]);
}

/** What they install as well where they want it. */
export function optionalPackages(): ShippedPackage[] {
  const { peerDependencies } = readJson("package.json") as { peerDependencies: Record<string, string> };
  return withTheirs(Object.keys(peerDependencies));
}

/** These, and all that they depend on, by name. */
function withTheirs(names: readonly string[]): ShippedPackage[] {
  const locked = lockedPackages();
  const found = new Map<string, ShippedPackage>();
  /** Where Node finds a package that is imported from this folder. */
  const folderOf = (name: string, from: string): string | undefined => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
      const folder = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
      if (locked[folder]) return folder;
      if (at === "") return undefined;
    }
  };
  const visit = (name: string, from: string, isOptional: boolean): void => {
    const folder = folderOf(name, from);
    if (folder === undefined && isOptional) return;
    const one = folder === undefined ? undefined : locked[folder];
    if (!folder || !one) throw new Error(`${name} is not in package-lock.json`);
    if (found.has(folder)) return;
    found.set(folder, {
      name,
      version: one.version,
      licence: one.license,
      hasInstallScript: one.hasInstallScript ?? false,
    });
    for (const inner of Object.keys(one.dependencies ?? {})) visit(inner, folder, false);
    for (const inner of Object.keys(one.optionalDependencies ?? {})) visit(inner, folder, true);
  };
  for (const name of names) visit(name, "", false);
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** Those whose licence nobody has allowed. */
export const withOtherLicences = (packages: readonly ShippedPackage[]) =>
  packages.filter(({ licence }) => !isAllowed(licence));

/** `(MIT OR GPL-3.0)` leaves the choice to whoever uses it; AND does not. */
function isAllowed(licence: string | undefined): boolean {
  const choices = (licence ?? "").replace(/^\((.*)\)$/, "$1").split(" OR ");
  return choices.some((choice) => choice.split(" AND ").every((one) => ALLOWED_LICENCES.has(one)));
}
