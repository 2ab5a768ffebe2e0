/** The package in an SST app: what would be deployed, and that it runs. */
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Task } from "#core";
import { bundling } from "../../infra/bundling.ts";
import { bundleHandler, FUNCTIONS, LOADED_LIMIT_KIB } from "../../scripts/bundle.ts";
import { eventually } from "../support/eventually.ts";
import type { Evaluation } from "../support/infra/evaluate.ts";
import { buildEvaluator, run as evaluate } from "../support/infra/run.ts";
import { SECRETS } from "../support/infra/scenarios.ts";
import { gatewayEvent } from "../support/lambda/gateway-event.ts";
import { buildPackages, type Packages } from "../support/lambda/package.ts";
import { openStage, type Stage } from "../support/lambda/stage.ts";
import { plainProject, ROOT, run, scratch } from "../support/package/scratch.ts";

const EXAMPLE = join(ROOT, "examples/own-app");
const KIB = 1024;

/** Tasks of one's own, exported by name, and a hook that nothing but its side effect needs. */
const FILES = {
  "src/tasks.ts": `
import { current, defineTask } from "tickwork";
import "./hooks/orders.ts";

export const greet = defineTask<"greet", { hello: string }>({
  type: "greet",
  run: async (data) => ({ hello: (data as { name: string }).name }),
});
export const NOT_A_TASK = "it exports other things, too";
`,
  "src/hooks/orders.ts": `
import { current, hooks } from "tickwork";

hooks.registerHook("orders", "items.create.after", async ({ data }) => {
  await current().tasks.create([{ type: "greet", task_data: { name: data.customer } }]);
});
`,
};

let app: string;
beforeAll(() => {
  app = mkdtempSync(join(scratch(), "app-"));
  cpSync(plainProject(), app, { recursive: true });
  cpSync(EXAMPLE, app, { recursive: true, filter: (file) => !/own-app\/(node_modules|\.sst)/.test(file) });
  for (const [name, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(app, name)), { recursive: true });
    writeFileSync(join(app, name), content);
  }
  symlinkSync(join(EXAMPLE, ".sst"), join(app, ".sst"));
  mkdirSync(join(app, "node_modules/@types"));
  for (const name of ["sst", "@types/node"])
    symlinkSync(join(ROOT, "node_modules", name), join(app, "node_modules", name));
});

describe("evaluated without AWS", () => {
  let evaluation: Evaluation;
  beforeAll(async () => {
    await buildEvaluator();
    evaluation = await evaluate({ app, stage: "dev", secrets: SECRETS }, join(scratch(), "evaluation.json"));
  });

  test("it has the functions, under the app's name", () => {
    const names = evaluation.resources
      .filter(({ type }) => type === "aws:lambda/function:Function")
      .map(({ inputs }) => String(inputs.name));
    const functions = ["api", "migrate", "refresh", "tick"].map((name) => `own-app-dev-${name}`);
    expect(names).toEqual(expect.arrayContaining(functions));
  });

  test.each(["TickworkTick", "TickworkRefresh", "TickworkApi"])(
    "%s has the app's task and its hook, and none of the tasks that ship",
    (name) => {
      const { sources = [], exports } = evaluation.builds[name] ?? {};
      const own = sources.flatMap((source) => /(?:^|\/)src\/(.+)$/.exec(source)?.[1] ?? []);
      expect(new Set(own)).toEqual(new Set(["hooks/orders.ts", "tasks.ts"]));
      expect(sources.filter((source) => /tickwork\/dist\/(http-request|cleanup)/.test(source))).toEqual([]);
      expect(exports).toEqual(["handler"]);
    },
  );

  test.each([
    ["TickworkTick", LOADED_LIMIT_KIB.tick],
    ["TickworkRefresh", LOADED_LIMIT_KIB.refresh],
    ["TickworkApi", LOADED_LIMIT_KIB.api],
    ["TickworkMigrate", LOADED_LIMIT_KIB.migrate],
  ])("a cold start of %s loads at most %i KiB", (name, limit) => {
    const { loadedBytes = Number.POSITIVE_INFINITY } = evaluation.builds[name] ?? {};
    expect(loadedBytes / KIB).toBeLessThanOrEqual(limit);
  });

  test("its types fit SST's", async () => {
    await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "."], app);
  });
});

describe("in Lambda's sandboxes", () => {
  let packages: Packages;
  let stage: Stage;
  beforeAll(async () => {
    const properties = bundling(join(app, "src/tasks.ts"), join(scratch(), "own-tasks"));
    const request = { runtime: "nodejs24.x", properties };
    packages = await buildPackages(FUNCTIONS, undefined, (name, folder) =>
      bundleHandler(
        app,
        { handler: `node_modules/tickwork/dist/functions/${name}.handler`, ...request },
        folder,
      ),
    );
    stage = await openStage(packages, { migrated: false });
  });
  afterAll(async () => {
    await stage?.close();
    await packages?.remove();
  });

  test("the schema is made, a hook makes a task, and the task runs", async () => {
    expect(await stage.migrate.invoke({})).toMatchObject({ ok: true });
    const told = await stage.call("POST", "/hooks/orders/items.create.after", { data: { customer: "Ada" } });
    expect(told).toMatchObject({ status: 200, body: { ran: 1, failed: 0 } });
    const done = await eventually(async () => {
      const { body } = await stage.call<{ tasks: Task[] }>("GET", "/tasks?status=Completed");
      return body.tasks[0];
    });
    expect(done).toMatchObject({ type: "greet", result_data: { hello: "Ada" } });
    expect(await stage.refresh.invoke({})).toMatchObject({ ok: true, payload: { waiting: 0 } });
    expect(await stage.api.invoke(gatewayEvent({ method: "GET", path: "/openapi.json" }))).toMatchObject({
      ok: true,
    });
  });
});
