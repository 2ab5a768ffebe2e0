/** The package in bundles that users make themselves. */
import { join } from "node:path";
import { build, type Metafile } from "esbuild";
import { describe, expect, test } from "vitest";
import { filesIn, plainProject, run, scratch } from "../support/package/scratch.ts";

/** Bundles a program in a project without any optional package, and runs it where there are no packages at all. */
async function bundleAndRun(files: Record<string, string>) {
  const folder = filesIn(plainProject(), files);
  const outdir = filesIn(scratch(), {});
  const { warnings, metafile } = await build({
    entryPoints: [join(folder, "main.ts")],
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    metafile: true,
    logLevel: "silent",
  });
  const printed = await run(process.execPath, ["main.mjs"], outdir);
  return { warnings: warnings.map(({ text }) => text), printed: printed.trim(), metafile };
}

/** The sources of what is loaded with the program; what it may load later stands in files of its own. */
function loadedAtOnce(outputs: Metafile["outputs"]): string[] {
  const loaded = new Set(Object.keys(outputs).filter((file) => file.endsWith("/main.mjs")));
  for (const file of loaded)
    for (const { path, kind } of outputs[file]?.imports ?? [])
      if (kind === "import-statement") loaded.add(path);
  return [...loaded].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
}

describe("an esbuild bundle", () => {
  test("has what it uses, needs no option, and runs without any package", async () => {
    const { warnings, printed } = await bundleAndRun({
      "main.ts": `
import { createRedisCommands, defineTask, type Statement, TickworkError } from "tickwork";
import { createApp } from "tickwork/api";
import { startServer } from "tickwork/local";
import { definitions } from "tickwork/tasks";

const greet = defineTask({ type: "greet", run: async () => ({}) });
const log = { debug() {}, info() {}, warn() {}, error() {} };
const said = await startServer({ env: { PORT: "http" }, log, definitions: [greet] }).catch(({ message }) => message);
console.log(JSON.stringify([greet.type, definitions.map(({ type }) => type), typeof createApp, TickworkError.name, said]));
`,
    });
    expect(warnings).toEqual([]);
    expect(JSON.parse(printed)).toEqual([
      "greet",
      ["http_request", "cleanup", "cleanup_temp_files", "email_batch", "data_export"],
      "function",
      "TickworkError",
      expect.stringMatching(/^PORT must be/),
    ]);
  });

  test("leaves out what it does not use", async () => {
    const { metafile } = await bundleAndRun({
      "main.ts": `import { defineTask } from "tickwork";\nconsole.log(defineTask({ type: "t", run: async () => 1 }).type);\n`,
    });
    const sources = loadedAtOnce(metafile.outputs);
    expect(sources.length).toBeGreaterThan(1);
    for (const name of ["hono", "@neondatabase", "@upstash"])
      expect(sources.filter((source) => source.includes(`node_modules/${name}`))).toEqual([]);
  });
});
