/** The kind of a stage decides what it creates and what it keeps; settings and secrets say the rest. */
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

test("production is protected, and its databases outlive it", () => {
  const { app, one } = program("production");
  expect(app).toMatchObject({ protect: true, removal: "retain" });
  for (const name of DATABASES) expect(one(name)).toMatchObject({ protect: true, retainOnDelete: true });
});

test("any other stage is removed with everything it created", () => {
  const { app, resources } = program("dev");
  expect(app).toMatchObject({ protect: false, removal: "remove" });
  expect(resources.map(({ name }) => name)).toEqual(expect.arrayContaining(DATABASES));
  const kept = resources.filter(({ protect, retainOnDelete }) => protect || retainOnDelete);
  // SST keeps source maps in its own bucket, for stack traces of old versions.
  expect(kept.filter(({ name }) => !/Sourcemap\d+$/.test(name))).toEqual([]);
});

test("a pull request's stage creates no database", () => {
  expect(databasesOf("pr-7")).toEqual([]);
  expect(program("pr-7").links).toMatchObject({
    TickworkDatabase: { url: SECRETS.DatabaseUrl },
    TickworkRedis: { url: SECRETS.RedisUrl, token: SECRETS.RedisToken },
  });
});

test("production on given databases creates none", () => {
  expect(databasesOf("given")).toEqual([]);
  expect(program("given").links.TickworkDatabase).toMatchObject({ url: SECRETS.DatabaseUrl });
});

test("a database that the stage creates is small, and near the functions", () => {
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

describe("the API's key", () => {
  test("is generated if no secret is set", () => {
    const { links, one } = program("production");
    expect(one("TickworkGeneratedApiKey").inputs).toMatchObject({ length: 40, special: false });
    expect(links.TickworkApiKey).toMatchObject({ value: GENERATED.apiKey });
  });

  test("is the secret if one is set", () => {
    expect(program("given").links.TickworkApiKey).toMatchObject({ value: SECRETS.TickworkApiKey });
  });

  test("is not among the outputs, which end up in the deployer's logs", () => {
    expect(program("production").outputs).toMatchObject({ apiKey: "TickworkApiKey" });
    expect(JSON.stringify(program("given").outputs)).not.toContain(SECRETS.TickworkApiKey);
  });
});

test("the outputs are the address, the name of the key, and the names of the schedule group and of tick", () => {
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

  test("when a pull request's stage is given no database", async () => {
    expect(await failure({ stage: "pr-8" })).toContain("sst secret set DatabaseUrl");
  });

  test("when a setting is invalid, with one line that says why", async () => {
    const text = await failure({ stage: "dev", env: { TASK_CONCURRENCY: "many" } });
    expect(text).toMatch(/TASK_CONCURRENCY .*must be a whole number from 1 to/);
    expect(text).toContain('"many"');
  });

  test("when a name would be too long for AWS", async () => {
    expect(await failure({ stage: "a".repeat(60) })).toContain("a name of at most 54 characters");
  });
});

test("the committed sst-env.d.ts is what a deployment writes", async () => {
  await expect(envTypesOf(program("production").links)).toMatchFileSnapshot("../../sst-env.d.ts");
});
