/** Databases other than Neon's and Upstash's: what the functions are given for them, and what stops a deployment. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PRIVATE } from "../support/infra/mocks.ts";
import { list, program } from "../support/infra/program.ts";
import { run, SCRATCH } from "../support/infra/run.ts";
import { OWN_SERVERS, type ScenarioName, SECRETS } from "../support/infra/scenarios.ts";

const FUNCTIONS = ["Tick", "Refresh", "Api", "Migrate"];
const CERTIFICATES = "/var/runtime/ca-cert.pem";

test("servers given by secrets need no token, and nothing else is created for them", () => {
  const { links, resources } = program("own servers");
  expect(links).toMatchObject({
    TickworkDatabase: { url: OWN_SERVERS.DatabaseUrl },
    TickworkRedis: { url: OWN_SERVERS.RedisUrl, token: "" },
  });
  expect(resources.filter(({ type }) => /^(neon|upstash):/.test(type))).toEqual([]);
});

describe("in a VPC with RDS and ElastiCache", () => {
  const app = program("rds in a vpc");

  test("all functions are told where both are, with passwords that fit in an address", () => {
    const { TickworkDatabase, TickworkRedis } = app.links;
    const database = new URL(String(TickworkDatabase?.url));
    expect(database).toMatchObject({ protocol: "postgres:", hostname: PRIVATE.postgres, port: "5432" });
    expect(decodeURIComponent(database.password)).toBe("generated/pass#word");
    expect(new URL(String(TickworkRedis?.url))).toMatchObject({
      protocol: "rediss:",
      hostname: PRIVATE.redis,
      port: "6379",
    });
  });

  test.each(FUNCTIONS)("%s is in the VPC's private subnets, where Lambda may connect it", (fn) => {
    expect(app.one(`Tickwork${fn}Function`).inputs.vpcConfig).toEqual({
      subnetIds: ["VpcPrivateSubnet1-id", "VpcPrivateSubnet2-id"],
      securityGroupIds: ["VpcSecurityGroup-id"],
    });
    const actions = app.statements(`Tickwork${fn}Role`).flatMap(({ Action }) => list(Action));
    expect(actions).toContain("ec2:CreateNetworkInterface");
  });

  test("the private subnets have a way out, for the calls of Lambda and EventBridge Scheduler", () => {
    const gateways = app.all("aws:ec2/natGateway:NatGateway");
    expect(gateways).not.toEqual([]);
    const routes = app
      .all("aws:ec2/routeTable:RouteTable")
      .flatMap(({ inputs }) => inputs.routes as { cidrBlock: string; natGatewayId?: string }[]);
    expect(routes.filter(({ natGatewayId }) => natGatewayId)).toHaveLength(gateways.length);
  });

  test("or an endpoint for each service, in the same subnets and open to the functions", () => {
    const vpcConfig = app.one("TickworkTickFunction").inputs.vpcConfig;
    for (const name of ["lambda", "scheduler"]) {
      const { inputs } = app.one(`Tickwork-${name}`);
      expect(inputs).toMatchObject({
        serviceName: `com.amazonaws.us-east-1.${name}`,
        vpcEndpointType: "Interface",
        privateDnsEnabled: true,
        ...(vpcConfig as object),
      });
    }
  });

  test("the functions are replaced only after the database is there and has its schema", () => {
    expect(app.one("TickworkTickFunction").dependsOn).toContain("TickworkMigration");
    expect(app.one("TickworkMigration").dependsOn).toEqual(
      expect.arrayContaining(["TickworkMigrateFunction", "PostgresInstance"]),
    );
  });
});

describe("Amazon's authorities, which sign the certificates of RDS, are known to", () => {
  test.each<[ScenarioName, string | undefined]>([
    ["rds in a vpc", CERTIFICATES],
    ["own servers", CERTIFICATES],
    // To read them makes a cold start slower.
    ["dev", undefined],
    ["given", undefined],
  ])("the functions of %s: %s", (name, file) => {
    for (const fn of FUNCTIONS)
      expect(program(name).environment(`Tickwork${fn}Function`).NODE_EXTRA_CA_CERTS).toBe(file);
  });
});

describe("a deployment stops before it begins, with one line, when", () => {
  test.each([
    [
      "Upstash has no token",
      { RedisToken: "" },
      "RedisToken must be the REST token of RedisUrl, got nothing.",
    ],
    [
      "the Redis is none",
      { RedisUrl: "memcached://cache.example.com" },
      "RedisUrl must be an address that begins with https:// or http:// or redis:// or rediss://, got memcached://.",
    ],
    [
      "the database is no Postgres",
      { DatabaseUrl: "mysql://tasks:given@db.example.com/tasks" },
      "DatabaseUrl must be an address that begins with postgres:// or postgresql://, got mysql://.",
    ],
  ])("%s", async (_, secrets, message) => {
    const failure = await run(
      { stage: "pr-8", secrets: { ...SECRETS, ...secrets } },
      join(SCRATCH, "failing.json"),
    ).then(
      () => "no failure",
      (error: { stderr?: string }) => String(error.stderr),
    );
    expect(failure).toContain(message);
    expect(failure).not.toContain("given@");
  });
});
