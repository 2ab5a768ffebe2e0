/**
 * What is published: each name that users import, and the module that it is. `test/package.test.ts` holds the `exports`
 * of `package.json` to this list, so a new entry is a line here and a line there.
 */
export const ENTRIES: Readonly<Record<string, string>> = {
  tickwork: "packages/tickwork/index.ts",
  "tickwork/api": "packages/api/index.ts",
  "tickwork/aws": "packages/aws/index.ts",
  "tickwork/client": "packages/client/index.ts",
  "tickwork/compat": "packages/compat/index.ts",
  // Under the names that Baasix has for them, so that an extension changes only where it imports from.
  "tickwork/compat/services/HooksService": "packages/compat/services/HooksService.ts",
  "tickwork/compat/services/TasksService": "packages/compat/services/TasksService.ts",
  "tickwork/compat/utils/cache": "packages/compat/utils/cache.ts",
  "tickwork/compat/utils/database": "packages/compat/utils/database.ts",
  "tickwork/local": "packages/local/index.ts",
  "tickwork/tasks": "packages/tasks/index.ts",
  "tickwork/testing": "packages/testing/index.ts",
};

/**
 * The entries that an app's `sst.config.ts` imports. They are built apart from the others: SST puts its own names, such
 * as `aws` and `neon`, at the head of every file that they consist of.
 */
export const SST_ENTRIES: Readonly<Record<string, string>> = {
  "tickwork/sst": "infra/index.ts",
  "tickwork/sst/neon": "infra/neon.ts",
  "tickwork/sst/upstash": "infra/upstash.ts",
};

/** Files that are not imported by name: the functions that SST bundles for Lambda, programs that are started, such as `bin`. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  "functions/api": "functions/api.ts",
  "functions/migrate": "functions/migrate.ts",
  "functions/refresh": "functions/refresh.ts",
  "functions/tick": "functions/tick.ts",
  // `bin` of package.json.
  cli: "packages/cli/main.ts",
  // Not in the file of `tickwork`: with `splitting`, esbuild would load what it imports, croner too, for any name of that.
  "define-schedule": "packages/core/tasks/define-schedule.ts",
  // Started by its path, from the file beside it.
  "init-postgres": "packages/local/init-postgres.js",
};

/**
 * The file of an entry in `dist`, without its extension.
 *
 * @example builtName("tickwork/sst/neon"); // "sst/neon"
 */
export function builtName(entry: string): string {
  return entry.split("/").slice(1).join("/") || "index";
}

/** The `exports` of package.json. */
export function exportsOf(entries: readonly string[]): Record<string, unknown> {
  const ofEntry = (entry: string) => {
    const file = `./dist/${builtName(entry)}`;
    return [entry.replace("tickwork", "."), { types: `${file}.d.ts`, default: `${file}.js` }] as const;
  };
  return {
    ...Object.fromEntries([...entries].sort().map(ofEntry)),
    "./package.json": "./package.json",
  };
}
