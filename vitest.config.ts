import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/** The names of the published package, which lead to sources here, as in `tsconfig.json`. */
const PUBLISHED = [
  { find: /^tickwork$/, replacement: join(import.meta.dirname, "packages/tickwork/index.ts") },
  { find: /^tickwork\/(\w+)$/, replacement: join(import.meta.dirname, "packages/$1/index.ts") },
  { find: /^tickwork\/(\w+\/.+)$/, replacement: join(import.meta.dirname, "packages/$1.ts") },
];

/** Extensions of Baasix import it; here their jobs run when a test says. */
const NODE_SCHEDULE = {
  find: /^node-schedule$/,
  replacement: join(import.meta.dirname, "test/compat/baasix/node-schedule.js"),
};

/**
 * Three kinds of test files, beside each other in the folder of what they test:
 *
 * - `*.test.ts` is what everybody runs: `npm test`, minutes at most.
 * - `*.prove.ts` takes minutes: thousands of simulated stories, every mutant, chaos with real processes.
 * - `*.measure.ts` compares times or memory, so nothing else runs beside it.
 *
 * `npm run prove` runs the last two; `npx vitest run PATH` runs any of them.
 */
const kind = (
  name: string,
  groupOrder: number,
  more: TestProjectInlineConfiguration["test"] = {},
): TestProjectInlineConfiguration => ({
  test: {
    name,
    include: [`test/**/*.${name}.ts`],
    alias: [...PUBLISHED, NODE_SCHEDULE],
    sequence: { groupOrder },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Files of a worker share the modules that they load, which takes minutes otherwise; each cleans up after itself.
    isolate: false,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    ...more,
  },
});

export default defineConfig({
  test: {
    globalSetup: "test/support/bed/global-setup.ts",
    // Many tests wait for a lease or a process, so the cores have time for one more.
    maxWorkers: availableParallelism() + 1,
    projects: [kind("test", 0), kind("prove", 1), kind("measure", 2, { maxWorkers: 1 })],
  },
});
