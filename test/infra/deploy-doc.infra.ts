/** The numbers and names in docs/deploy.md and docs/cost.md are those of the deployment. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { isNeon, needsToken } from "../../packages/drivers/addresses.ts";
import { blocksOf, SST_CONFIG } from "../support/documents.ts";
import { program } from "../support/infra/program.ts";
import { ROOT, SCRATCH } from "../support/infra/run.ts";

const text = readFileSync(join(ROOT, "docs/deploy.md"), "utf8");
const costs = readFileSync(join(ROOT, "docs/cost.md"), "utf8");
const production = program("production");

test("the costs count every alarm, and every metric", () => {
  const alarms = production.all("aws:cloudwatch/metricAlarm:MetricAlarm").length;
  const metrics = readFileSync(join(ROOT, "packages/core/metrics.ts"), "utf8").match(/^ {2}\w+\?:/gm)?.length;
  expect(costs).toContain(`${metrics} metrics at 0.30, ${alarms} alarms at 0.10`);
});

test("every alarm, secret and output is explained", () => {
  for (const { inputs } of production.all("aws:cloudwatch/metricAlarm:MetricAlarm"))
    expect(text).toContain(String(inputs.name).replace("tickwork-production", "…"));
  for (const name of ["TickworkApiKey", "DatabaseUrl", "RedisUrl", "RedisToken"])
    expect(text).toContain(`\`${name}\``);
  for (const name of ["api", "apiKey"]) expect(text).toContain(`\`${name}\``);
});

test("every action that a role may take is in the table of permissions", () => {
  const actions = new Set(
    [production, program("all in a vpc")].flatMap(({ all, statements }) =>
      all("aws:iam/role:Role").flatMap(({ name }) => statements(name).flatMap(({ Action }) => Action)),
    ),
  );
  for (const action of actions) expect(text).toContain(`\`${action}\``);
});

test("the API's limits are those that are deployed", () => {
  const { throttlingRateLimit, throttlingBurstLimit } = production.one("TickworkHttpStage").inputs
    .defaultRouteSettings as Record<string, number>;
  expect(text).toContain(`more than ${throttlingRateLimit} requests a second`);
  expect(text).toContain(`${throttlingBurstLimit} at once`);
  expect(text).toContain(`may take ${production.one("TickworkApiFunction").inputs.timeout} seconds`);
});

const squeezed = (code: string) => code.replaceAll(/\s+/g, "");
const blocks = blocksOf("docs/deploy.md")
  .filter(({ file }) => file === SST_CONFIG)
  .map(({ code }) => code);

test("the app on RDS and ElastiCache is the one that is evaluated", () => {
  const config = readFileSync(join(ROOT, "test/support/infra/rds-in-vpc.config.ts"), "utf8");
  const [, made = ""] = /^( *const vpc = [\s\S]*?)^ *deploy\(/m.exec(config) ?? [];
  const [, endpoints = ""] = /^( *for \([\s\S]*?)^ {2}\},/m.exec(config) ?? [];
  for (const code of [made, endpoints]) {
    expect(code).not.toBe("");
    expect(blocks.filter((block) => squeezed(block).includes(squeezed(code)))).toHaveLength(1);
  }
});

test("what the documents show of an sst.config.ts compiles", async () => {
  const shown = [
    ...blocks,
    ...blocksOf("docs/deploying.md").map(({ file, code }) => (file === SST_CONFIG ? code : "")),
  ];
  const [rds, endpoints, ...others] = [
    ...shown.filter((code) => /"Vpc"|VpcEndpoint/.test(code)),
    ...shown.filter((code) => !/"Vpc"|VpcEndpoint/.test(code)),
  ];
  const programs = [`${rds}\n${endpoints}`, ...others].map((code) => `async () => {\n${code}\n};\n`);
  const folder = join(SCRATCH, "deploy-doc");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "shown.ts"),
    `/// <reference path="../../../.sst/platform/config.d.ts" />\ndeclare const bucket: sst.aws.Bucket;\nexport const shown = [\n${programs.map((code) => code.replace(/;\n$/, ",\n")).join("")}];\n`,
  );
  const paths = { "tickwork/sst": ["../../../infra/index.ts"], "tickwork/sst/*": ["../../../infra/*.ts"] };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../../infra/tsconfig.json", compilerOptions: { paths }, include: ["."] }),
  );
  const { stdout } = await promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder]).catch(
    (failure: { stdout: string }) => failure,
  );
  expect(stdout).toBe("");
});

test("the certificates' file, and how addresses are told apart, are those of the functions", () => {
  const { NODE_EXTRA_CA_CERTS } = program("rds in a vpc").environment("TickworkTickFunction");
  expect(text).toContain(`\`NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS}\``);
  expect(isNeon("postgres://user@ep-name.us-east-1.aws.neon.tech/db")).toBe(true);
  expect(needsToken("https://name.upstash.io")).toBe(true);
  expect(needsToken("rediss://cache.example.com")).toBe(false);
});
