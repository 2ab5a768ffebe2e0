/** The declarations, as strict projects see them: nothing is skipped, and no types of Node are installed. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { ENTRIES } from "../../scripts/entries.ts";
import { filesIn, plainProject, ROOT, run, TOOLS } from "../support/package/scratch.ts";

const COMPILERS = [
  ["TypeScript 5.9", join(TOOLS, "typescript-5/bin/tsc")],
  ["TypeScript 7", join(ROOT, "node_modules/typescript/bin/tsc")],
] as const;

/** How a project resolves modules, as it says on the command line. */
const RESOLUTIONS = [
  ["nodenext", ["--module", "nodenext"]],
  ["bundler", ["--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"]],
] as const;

/** What users write: every line that must not compile says so. */
const SAMPLE = `
${Object.keys(ENTRIES)
  .map((entry, n) => `export * as entry${n} from "${entry}";`)
  .join("\n")}
import * as v from "valibot";
import { type DataOf, defineTask, hooks, PermanentError, type ResultOf, TickworkError } from "tickwork";
import { type Api, type AppDeps, createApp } from "tickwork/api";
import { startServer } from "tickwork/local";
import { definitions as shipped } from "tickwork/tasks";

export const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string() }),
  run: async ({ name }, { progress, log, attempt, signal }) => {
    log.info("greeting", { name, attempt });
    if (signal.aborted) throw new PermanentError("too late", { code: "too_late" });
    await progress(0.5);
    return { hello: name, at: new Date() };
  },
});
export const definitions = [...shipped, greet];

export const type: "greet" = greet.type;
export const data: DataOf<typeof greet> = { name: "Ada" };
export const result: ResultOf<typeof greet> = { hello: "Ada", at: "2026-01-01T00:00:00.000Z" };
// @ts-expect-error The field is called name.
export const wrongField: DataOf<typeof greet> = { nmae: "Ada" };
// @ts-expect-error JSON has no dates.
export const wrongResult: ResultOf<typeof greet> = { hello: "Ada", at: new Date() };

export const api = (deps: AppDeps): Api => createApp(deps);
export const answer = (app: Api, request: Request) => app.fetch(request, { requestId: "r1" });

hooks.registerHook("orders", "items.create.after", ({ data }) => console.log(data.id));

export async function start(log: Parameters<typeof startServer>[0]["log"]) {
  const server = await startServer({ env: { PORT: "0" }, log, definitions });
  // @ts-expect-error An address is text.
  const port: number = server.url;
  await server.close();
  return port;
}

export const codeOf = (error: unknown) => (error instanceof TickworkError ? error.code : undefined);
`;

describe.each(COMPILERS)("%s", (_, compiler) => {
  test.each(RESOLUTIONS)("with --strict --module %s, nothing skipped", async (_, args) => {
    const folder = filesIn(plainProject(), { "sample.ts": SAMPLE });
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(ROOT, "node_modules/valibot"), join(folder, "node_modules/valibot"));
    const flags = ["--strict", "--noEmit", "--skipLibCheck", "false", ...args];
    await run(process.execPath, [compiler, ...flags, "sample.ts"], folder);
  });
});
