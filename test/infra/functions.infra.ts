/** The functions as deployed: sizes, limits, settings, and what their packages contain. */
import { isBuiltin } from "node:module";
import { describe, expect, test } from "vitest";
import { LOADED_LIMIT_KIB } from "../../scripts/bundle.ts";
import { program } from "../support/infra/program.ts";

const KIB = 1024;
const dev = program("dev");

test("every function has its memory, timeout, runtime and architecture", () => {
  const facts = dev
    .all("aws:lambda/function:Function")
    .map(({ name, inputs }) => [
      name,
      [inputs.memorySize, inputs.timeout, inputs.runtime, inputs.architectures],
    ]);
  expect(Object.fromEntries(facts)).toEqual({
    TickworkApiFunction: [512, 29, "nodejs24.x", ["arm64"]],
    TickworkMigrateFunction: [512, 300, "nodejs24.x", ["arm64"]],
    TickworkRefreshFunction: [512, 120, "nodejs24.x", ["arm64"]],
    TickworkTickFunction: [512, 900, "nodejs24.x", ["arm64"]],
  });
});

test("no function reserves executions: a new account allows only ten at a time", () => {
  for (const { inputs } of dev.all("aws:lambda/function:Function"))
    expect(inputs.reservedConcurrentExecutions).toBeUndefined();
});

describe("settings", () => {
  const tuned = program("tuned");

  test("the deployer's settings reach the functions that serve", () => {
    const settings = {
      TASK_SHUTDOWN_WAIT_TIME: "45",
      TASK_CONCURRENCY: "4",
      TASK_RUNNING_TTL: "30",
      TASK_CACHE_LIMIT: "500",
      TASK_MAX_CRASHES: "5",
      HTTP_REQUEST_ALLOW: "10.0.0.7",
      DEBUGGING: "true",
    };
    for (const name of ["Tick", "Refresh", "Api"])
      expect(tuned.environment(`Tickwork${name}Function`)).toMatchObject(settings);
  });

  test("without settings, only what the deployment itself sets", () => {
    const common = ["TICKWORK_SERVICE", "TASK_LIST_REFRESH_INTERVAL"];
    const bell = ["DEAD_LETTER_ARN", "SCHEDULE_GROUP", "SCHEDULE_ROLE_ARN", "TICK_ARN"];
    const names = (fn: string) => new Set(Object.keys(dev.environment(`Tickwork${fn}Function`)));
    expect(names("Tick")).toEqual(new Set([...common, ...bell, "DATA_DIR"]));
    expect(names("Refresh")).toEqual(new Set([...common, ...bell]));
    expect(names("Api")).toEqual(new Set([...common, ...bell]));
    expect(names("Migrate")).toEqual(new Set(["TICKWORK_SERVICE"]));
  });

  test("the deployer's other variables reach no function", () => {
    for (const { name } of tuned.all("aws:lambda/function:Function")) {
      expect(tuned.environment(name)).not.toHaveProperty("PORT");
      expect(tuned.environment(name)).not.toHaveProperty("DATABASE_URL");
      expect(tuned.environment(name)).not.toHaveProperty("ALARM_EMAIL");
    }
  });

  test("metrics carry the app and stage", () => {
    for (const { name } of dev.all("aws:lambda/function:Function"))
      expect(dev.environment(name).TICKWORK_SERVICE).toBe("tickwork-dev");
  });

  test("temporary files go where Lambda allows writing", () => {
    expect(dev.environment("TickworkTickFunction").DATA_DIR).toBe("/tmp/tickwork");
  });
});

describe("logs", () => {
  test.each([
    ["dev", 7],
    ["pr-7", 7],
    ["production", 90],
  ] as const)("are kept in %s for %i days", (name, days) => {
    const { all } = program(name);
    const groups = all("aws:cloudwatch/logGroup:LogGroup");
    expect(groups).toHaveLength(5);
    for (const { inputs } of groups) expect(inputs.retentionInDays).toBe(days);
  });

  test("are JSON, in groups with known names", () => {
    for (const { inputs } of dev.all("aws:lambda/function:Function"))
      expect(inputs.loggingConfig).toEqual({ logFormat: "JSON", logGroup: `/aws/lambda/${inputs.name}` });
  });

  test("are complete with DEBUGGING", () => {
    for (const { inputs } of program("tuned").all("aws:lambda/function:Function"))
      expect(inputs.loggingConfig).toMatchObject({ applicationLogLevel: "DEBUG" });
  });
});

describe("the HTTP API", () => {
  test("refuses requests that come too fast before they cost an execution", () => {
    expect(dev.one("TickworkHttpStage").inputs.defaultRouteSettings).toEqual({
      throttlingRateLimit: 50,
      throttlingBurstLimit: 100,
    });
  });

  test("is for servers: no web page may call it", () => {
    expect(dev.one("TickworkHttpApi").inputs.corsConfiguration ?? {}).toEqual({});
  });
});

describe("bundles", () => {
  const FUNCTIONS = ["TickworkTick", "TickworkRefresh", "TickworkApi", "TickworkMigrate"];

  test.each([
    ["TickworkTick", LOADED_LIMIT_KIB.tick],
    ["TickworkRefresh", LOADED_LIMIT_KIB.refresh],
    ["TickworkApi", LOADED_LIMIT_KIB.api],
    ["TickworkMigrate", LOADED_LIMIT_KIB.migrate],
  ])("a cold start of %s loads at most %i KiB", (name, limit) => {
    const { loadedBytes = Number.POSITIVE_INFINITY } = dev.builds[name] ?? {};
    expect(loadedBytes / KIB).toBeLessThanOrEqual(limit);
  });

  test.each(FUNCTIONS)(
    "%s has the drivers of any Postgres and Redis, and loads them when it needs them",
    (name) => {
      const { sources = [], loaded = {}, bytes = 0, loadedBytes = 0 } = dev.builds[name] ?? {};
      for (const driver of ["pg", "ioredis"]) {
        const ofDriver = (source: string) => source.includes(`node_modules/${driver}/`);
        expect(sources.some(ofDriver), driver).toBe(true);
        expect(Object.keys(loaded).filter(ofDriver)).toEqual([]);
      }
      // Those of the handlers that ship are with their handlers.
      for (const library of ["nodemailer", "hyparquet-writer"]) {
        const ofLibrary = (source: string) => source.includes(`node_modules/${library}/`);
        expect(sources.some(ofLibrary), library).toBe(name !== "TickworkMigrate");
        expect(Object.keys(loaded).filter(ofLibrary)).toEqual([]);
      }
      // What is spared at the start of a migration is with the rest: the bundle as a whole is bounded below.
      if (name !== "TickworkMigrate") expect((bytes - loadedBytes) / KIB).toBeLessThan(780);
    },
  );

  test.each([
    ["TickworkTick", 1_110],
    ["TickworkRefresh", 1_110],
    ["TickworkApi", 1_270],
    ["TickworkMigrate", 636],
  ])("%s is at most %i KiB, with all that is loaded when it is needed", (name, limit) => {
    const { bytes = Number.POSITIVE_INFINITY } = dev.builds[name] ?? {};
    expect(bytes / KIB).toBeLessThanOrEqual(limit);
  });

  test.each(FUNCTIONS)("%s is minified, and split so that rare code is loaded when needed", (name) => {
    expect(dev.builds[name]?.nodejs).toMatchObject({ minify: true, splitting: true });
  });

  test("a tick loads a handler when it runs one, and the schemas when it creates a task", () => {
    const { sources = [], loaded = {} } = dev.builds.TickworkTick ?? {};
    for (const source of ["packages/tasks/http-request.ts", "packages/core/tasks/new-task.ts"]) {
      expect(sources).toContain(source);
      expect(loaded).not.toHaveProperty([source]);
    }
  });

  test("export a handler, and leave out what Lambda provides", () => {
    for (const [name, { handler, exports, externals }] of Object.entries(dev.builds)) {
      expect(handler, name).toBe("bundle.handler");
      expect(exports, name).toEqual(["handler"]);
      // node-postgres asks for `pg-native`, and does without.
      const foreign = externals.filter((external) => !isBuiltin(external) && external !== "pg-native");
      const sdk = ["client-lambda", "client-s3", "client-scheduler", "client-sesv2", "lib-storage"].map(
        (part) => `@aws-sdk/${part}`,
      );
      expect(new Set(foreign), name).toEqual(new Set(name === "TickworkMigrate" ? [] : sdk));
    }
  });
});
