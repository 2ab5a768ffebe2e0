/** What a module does when it is imported is done on Lambda, too, although nothing else of it is used. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { bundling } from "../../infra/bundling.ts";
import { bundleHandler, ROOT } from "../../scripts/bundle.ts";

/** A folder with what our own package.json says of side effects. */
const clone = mkdtempSync(join(tmpdir(), "tickwork-clone-"));
afterAll(() => rmSync(clone, { recursive: true, force: true }));

const { sideEffects } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  sideEffects: string[];
};
const FILES = {
  "package.json": JSON.stringify({ name: "tickwork", type: "module", sideEffects }),
  "functions/tick.ts": `import * as tasks from "tickwork-own-tasks";\nexport const handler = () => tasks;\n`,
  "packages/tasks/index.ts": [
    `import "./hooks/orders.ts";`,
    `import "../../extensions/hooks/imports.ts";`,
    `import "../core/pure.ts";`,
    "export const definitions = [];",
  ].join("\n"),
  "packages/tasks/hooks/orders.ts": `globalThis.orders = "registered";\n`,
  "extensions/hooks/imports.ts": `globalThis.imports = "registered";\n`,
  "packages/core/pure.ts": `export const unused = String("unused");\n`,
};

test("hooks in a clone's own folders are in the bundle, and unused modules of core are not", async () => {
  for (const [name, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(clone, name)), { recursive: true });
    writeFileSync(join(clone, name), content);
  }
  const properties = bundling(join(clone, "packages/tasks/index.ts"), join(clone, ".sst/tickwork"));
  const request = { handler: "functions/tick.handler", runtime: "nodejs24.x", properties };
  const { sources } = await bundleHandler(clone, request, join(clone, "out"));
  const inBundle = Object.keys(FILES).filter((name) => sources.some((source) => source.endsWith(name)));
  expect(inBundle).toEqual([
    "functions/tick.ts",
    "packages/tasks/index.ts",
    "packages/tasks/hooks/orders.ts",
    "extensions/hooks/imports.ts",
  ]);
});
