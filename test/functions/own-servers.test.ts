/** The functions on any Postgres and any Redis, over connections with TLS, as on RDS and ElastiCache. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Task } from "#core";
import { FUNCTIONS, type FunctionName } from "../../scripts/bundle.ts";
import { serversAnswer } from "../../scripts/local-servers.ts";
import { type AwsEndpoint, serveAws } from "../support/aws/aws-endpoint.ts";
import { GROUP, ROLE_ARN, TICK_ARN } from "../support/aws/open-doorbell.ts";
import { eventually } from "../support/eventually.ts";
import { API_KEY, deploy } from "../support/lambda/deployment.ts";
import { gatewayEvent, httpAnswer } from "../support/lambda/gateway-event.ts";
import type { LambdaFunction } from "../support/lambda/lambda.ts";
import { logOf } from "../support/lambda/log-lines.ts";
import { type OwnServers, openOwnServers } from "../support/lambda/own-servers.ts";
import { buildPackages, type Packages } from "../support/lambda/package.ts";
import { serveWeb, type WebServer } from "../support/lambda/web-server.ts";

describe.skipIf(!serversAnswer)("on real servers", () => {
  let packages: Packages;
  let servers: OwnServers;
  let aws: AwsEndpoint;
  let web: WebServer;
  const functions = {} as Record<FunctionName, LambdaFunction>;
  beforeAll(async () => {
    packages = await buildPackages(FUNCTIONS);
    servers = await openOwnServers();
    web = await serveWeb();
    aws = await serveAws({
      functionArns: [TICK_ARN],
      groupName: GROUP,
      roleArn: ROLE_ARN,
      onInvoke: ({ event }) => functions.tick.invokeAsync(event),
    });
    for (const name of FUNCTIONS)
      functions[name] = await deploy(name, { packages, stores: servers.stores, awsUrl: aws.url }, {});
  });
  afterAll(async () => {
    await Promise.all(Object.values(functions).map((one) => one.close()));
    await Promise.all([aws.close(), web.close()]);
    await servers.close();
    await packages.remove();
  });

  const call = async <Body>(method: string, path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${API_KEY}` };
    const done = await functions.api.invoke(gatewayEvent({ method, path, headers, body }));
    if (!done.ok) throw new Error(done.error.errorMessage);
    return httpAnswer<Body>(done.payload);
  };
  const runTask = async () => {
    const made = await call<Task>("POST", "/tasks", { type: "http_request", task_data: { url: web.url } });
    expect(made.status).toBe(201);
    return eventually(async () => {
      const { body } = await call<Task>("GET", `/tasks/${made.body.id}`);
      return body.task_status === "Completed" && body;
    });
  };

  test("migrate makes the schema, and gives its connection back", async () => {
    expect(await functions.migrate.invoke({})).toMatchObject({ ok: true });
    await eventually(() => servers.postgres.connections === 0);
  });

  test("a task is made over the API and run by a tick, and a refresh sees what waits", async () => {
    expect(await runTask()).toMatchObject({ attempts: 1, result_data: { status: 200 } });
    expect(await functions.refresh.invoke({})).toMatchObject({ ok: true, payload: { waiting: 0, due: 0 } });
    for (const name of ["api", "tick", "refresh"] as const)
      expect(logOf(functions[name]).filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  test("a function keeps one connection to each, however often it is called", async () => {
    const open = () => [servers.postgres.connections, servers.redis.connections];
    const before = open();
    const sandboxes = FUNCTIONS.reduce((sum, name) => sum + functions[name].sandboxes.size, 0);
    // Of those that serve; that of migrate has given its own back.
    expect(before).toEqual([sandboxes - 1, sandboxes - 1]);
    for (let n = 0; n < 5; n++) {
      await call("GET", "/tasks");
      await functions.refresh.invoke({});
      await functions.tick.invoke({});
    }
    expect(open()).toEqual(before);
  });

  test("connections that the servers ended meanwhile are made again", async () => {
    servers.postgres.endAll();
    servers.redis.endAll();
    expect(await runTask()).toMatchObject({ attempts: 1 });
  });
});

describe.skipIf(!serversAnswer)("an address that says nothing of TLS", () => {
  test.each([
    [undefined, { NODE_EXTRA_CA_CERTS: "" }, "self-signed certificate"],
    ["disable", {}, "Connection terminated unexpectedly"],
    ["no-verify", { NODE_EXTRA_CA_CERTS: "" }, undefined],
  ])("or sslmode=%s, with %o: %s", async (sslmode, env, message) => {
    const packages = await buildPackages(["migrate"]);
    const servers = await openOwnServers(sslmode);
    const stores = { ...servers.stores, env: { ...servers.stores.env, ...env } };
    const migrate = await deploy("migrate", { packages, stores, awsUrl: "http://127.0.0.1:9" }, {});
    const done = await migrate.invoke({});
    expect(done.ok ? undefined : done.error.errorMessage).toEqual(
      message && expect.stringContaining(`Postgres: ${message}`),
    );
    await migrate.close();
    await servers.close();
    await packages.remove();
  });
});
