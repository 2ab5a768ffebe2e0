/** What a stage is for decides what it makes, what it keeps, and how it is told the rest. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { envTypesOf } from "../support/infra/env-types.ts";
import { GENERATED } from "../support/infra/mocks.ts";
import { program } from "../support/infra/program.ts";
import { run, SCRATCH } from "../support/infra/run.ts";
import { SECRETS } from "../support/infra/scenarios.ts";

const DATABASES = ["TickworkNeon", "TickworkUpstash"];
const databasesOf = (name: Parameters<typeof program>[0]) =>
  program(name).resources.filter(({ type }) => /^(neon|upstash):/.test(type));

test("a production is protected, and keeps its databases whatever becomes of it", () => {
  const { app, one } = program("production");
  expect(app).toMatchObject({ protect: true, removal: "retain" });
  for (const name of DATABASES) expect(one(name)).toMatchObject({ protect: true, retainOnDelete: true });
});

test("another stage is removed with all that it made", () => {
  const { app, resources } = program("dev");
  expect(app).toMatchObject({ protect: false, removal: "remove" });
  expect(resources.map(({ name }) => name)).toEqual(expect.arrayContaining(DATABASES));
  const kept = resources.filter(({ protect, retainOnDelete }) => protect || retainOnDelete);
  // SST keeps source maps, in its own bucket, for stack traces of old versions.
  expect(kept.filter(({ name }) => !/Sourcemap\d+$/.test(name))).toEqual([]);
});

test("the stage of a pull request makes no database", () => {
  expect(databasesOf("pr-7")).toEqual([]);
  expect(program("pr-7").links).toMatchObject({
    TickworkDatabase: { url: SECRETS.DatabaseUrl },
    TickworkRedis: { url: SECRETS.RedisUrl, token: SECRETS.RedisToken },
  });
});

test("a production on databases of somebody else makes none", () => {
  expect(databasesOf("given")).toEqual([]);
  expect(program("given").links.TickworkDatabase).toMatchObject({ url: SECRETS.DatabaseUrl });
});

test("a database of its own is small, sleeps when nothing is asked of it, and is near the functions", () => {
  const { one } = program("dev");
  expect(one("TickworkNeon").inputs).toMatchObject({
    name: "tickwork-dev",
    regionId: "aws-us-east-1",
    defaultEndpointSettings: { autoscalingLimitMinCu: 0.25, autoscalingLimitMaxCu: 1 },
  });
  expect(one("TickworkUpstash").inputs).toMatchObject({
    databaseName: "tickwork-dev",
    primaryRegion: "us-east-1",
    tls: true,
    eviction: false,
  });
});

describe("the key of the API", () => {
  test("is there without anybody's doing", () => {
    const { links, one } = program("production");
    expect(one("TickworkGeneratedApiKey").inputs).toMatchObject({ length: 40, special: false });
    expect(links.TickworkApiKey).toMatchObject({ value: GENERATED.apiKey });
  });

  test("is the secret, when that is set", () => {
    expect(program("given").links.TickworkApiKey).toMatchObject({ value: SECRETS.TickworkApiKey });
  });

  test("is not among the outputs, which end in the logs of whoever deploys", () => {
    expect(program("production").outputs).toMatchObject({ apiKey: "TickworkApiKey" });
    expect(JSON.stringify(program("given").outputs)).not.toContain(SECRETS.TickworkApiKey);
  });
});

test("the outputs: address, name of the key, group of the schedules", () => {
  expect(program("production").outputs).toMatchObject({
    api: expect.stringMatching(/^https:\/\/.+\.execute-api\.us-east-1\.amazonaws\.com$/),
    scheduleGroup: "tickwork-production-tasks",
    tick: "tickwork-production-tick",
  });
});

describe("a deployment stops before it begins", () => {
  const failure = (scenario: Parameters<typeof run>[0]) =>
    run(scenario, join(SCRATCH, "failing.json")).then(
      () => "no failure",
      (error: unknown) => String((error as { stderr?: string }).stderr),
    );

  test("when a pull request's stage is not told of a database", async () => {
    expect(await failure({ stage: "pr-8" })).toContain("sst secret set DatabaseUrl");
  });

  test("when a setting is not acceptable, with one line that says why", async () => {
    const text = await failure({ stage: "dev", env: { TASK_CONCURRENCY: "many" } });
    expect(text).toMatch(/TASK_CONCURRENCY .*must be a whole number from 1 to/);
    expect(text).toContain('"many"');
  });

  test("when a name would be too long for AWS", async () => {
    expect(await failure({ stage: "a".repeat(60) })).toContain("a name of at most 54 characters");
  });
});

test("what a deployment writes into sst-env.d.ts is what is committed", async () => {
  await expect(envTypesOf(program("production").links)).toMatchFileSnapshot("../../sst-env.d.ts");
});
