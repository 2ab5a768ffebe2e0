/**
 * `npm run docs:api`: the reference of what users import, from the docstrings, in `.tmp/api`. It fails on warnings: a link
 * that leads nowhere, a parameter that is not there.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ENTRIES } from "./entries.ts";
import { execute, ROOT } from "./execute.ts";

const TOOLS = join(ROOT, "scripts/api-docs");
const OUT = join(ROOT, ".tmp/api");

/** Definitions whose types are their schemas: the README's table says it better. */
const { "tickwork/tasks": _, ...DOCUMENTED } = ENTRIES;

if (!existsSync(join(TOOLS, "node_modules/typedoc")))
  execute("npm", ["ci", "--no-audit", "--no-fund", "--silent", "--prefix", TOOLS]);
execute(process.execPath, [
  join(TOOLS, "node_modules/typedoc/bin/typedoc"),
  ...Object.values(DOCUMENTED).flatMap((file) => ["--entryPoints", join(ROOT, file)]),
  ...["--tsconfig", join(ROOT, "tsconfig.json")],
  ...["--out", OUT],
  ...["--name", "Tickwork"],
  ...["--readme", join(ROOT, "README.md")],
  "--treatWarningsAsErrors",
  // Links to the source need a remote, which not every checkout has.
  "--disableSources",
  // What a public type is made of need not be public.
  ...["--validation.notExported", "false"],
  ...["--logLevel", "Warn"],
]);
console.log(join(OUT, "index.html"));
