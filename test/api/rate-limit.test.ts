/** How many requests a key and an address may send. */
import { beforeEach, expect, test } from "vitest";
import { type Api, createApp } from "#api";
import type { MadeApiKey } from "#core";
import { networkOf } from "../../packages/core/access/rate-limit.ts";
import { ADMIT } from "../../packages/core/gate/scripts/rate-limit.ts";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { noteLog } from "../support/run/noted-log.ts";

const KEY = "the-key-of-the-environment";

describeOnStacks("requests are limited", (bed) => {
  beforeEach(() => bed.redis("SCRIPT", "LOAD", ADMIT.lua).then(() => bed.counts.reset()));

  const open = (env: Record<string, string>, log = noteLog().log) => {
    const tickwork = bed.make({ doorbell: noteRings(), env: { API_KEY: KEY, ...env }, log });
    return createApp(tickwork);
  };
  const ask = async (app: Api, { key = KEY, address = "203.0.113.7", path = "/tasks/running" } = {}) => {
    const response = await app.request(path, { headers: { authorization: `Bearer ${key}` } }, { address });
    const { error } = (await response.json()) as { error?: { code: string } };
    return { status: response.status, code: error?.code, retryAfter: response.headers.get("retry-after") };
  };
  const many = async (app: Api, n: number, who = {}) => {
    const statuses: number[] = [];
    for (let i = 0; i < n; i++) statuses.push((await ask(app, who)).status);
    return statuses;
  };

  test("by key: so many at once for all processes together, then again after a while", async () => {
    const [one, other] = [open({ API_LIMIT_PER_KEY: "60" }), open({ API_LIMIT_PER_KEY: "60" })];
    const { key } = (await (
      await one.request("/keys", {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}` },
        body: JSON.stringify({ name: "shop", scopes: ["read"] }),
      })
    ).json()) as MadeApiKey;
    const asked = [...(await many(one, 35, { key })), ...(await many(other, 40, { key }))];
    const admitted = asked.filter((status) => status === 200).length;
    // One more each second while the test runs.
    expect(admitted).toBeGreaterThanOrEqual(60);
    expect(admitted).toBeLessThan(75);
    const refused = await ask(one, { key });
    expect(refused).toMatchObject({ status: 429, code: "rate_limited", retryAfter: "1" });
    // Others are not concerned.
    expect((await ask(one)).status).toBe(200);
    await expect.poll(async () => (await ask(one, { key })).status, { timeout: 5_000 }).toBe(200);
  });

  test("by address, whoever sends a wrong key; monitors are not", async () => {
    const app = open({ API_LIMIT_PER_ADDRESS: "2" });
    expect(await many(app, 3, { key: "wrong" })).toEqual([401, 401, 429]);
    expect((await ask(app)).status).toBe(429);
    expect((await ask(app, { address: "203.0.113.8" })).status).toBe(200);
    expect(await many(app, 4, { address: "203.0.113.9", path: "/health/tasks" })).not.toContain(429);
    const signIn = () =>
      app.request(
        "/session",
        { method: "POST", body: JSON.stringify({ key: "wrong" }) },
        { address: "203.0.113.10" },
      );
    expect([(await signIn()).status, (await signIn()).status, (await signIn()).status]).toEqual([
      401, 401, 429,
    ]);
  });

  test("it costs one request to Redis with limits, and none without", async () => {
    const cost = async (app: Api) => {
      bed.counts.reset();
      expect((await ask(app, { path: "/session" })).status).toBe(200);
      return { ...bed.counts };
    };
    expect(await cost(open({ API_LIMIT_PER_KEY: "60", API_LIMIT_PER_ADDRESS: "60" }))).toMatchObject({
      postgres: 0,
      redis: 1,
    });
    expect(await cost(open({}))).toMatchObject({ postgres: 0, redis: 0 });
  });

  test("without Redis it admits, or refuses, as it is told", async () => {
    bed.faults.redis = () => {
      throw new Error("Redis is away");
    };
    const { log, lines } = noteLog();
    const opened = open({ API_LIMIT_PER_KEY: "1" }, log);
    expect(await many(opened, 3, { path: "/session" })).toEqual([200, 200, 200]);
    expect(lines.filter(({ message }) => message.includes("not limited"))).toHaveLength(1);
    const closed = open({ API_LIMIT_PER_KEY: "1", API_LIMIT_FAILURE: "closed" });
    expect(await ask(closed, { path: "/session" })).toMatchObject({ status: 503, code: "redis_unavailable" });
  });
});

test("without Redis there are no limits", () => {
  expect(() => createApp({ config: { apiKey: KEY, apiLimitPerKey: 1 } } as never)).toThrow(
    /^CACHE_ENABLED must be true/,
  );
});

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
])("%s is counted as %s", (address, network) => expect(networkOf(address)).toBe(network));
