/** A connection that was unused for long, as in a function that was frozen: the network may have forgotten it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { createDatabase, createRedisCommands, systemClock } from "#core";
import { openIoredis, openPg } from "#drivers";
import {
  createDatabase as createServerDatabase,
  POSTGRES_PORT,
  REDIS_PORT,
  redisServerUrl,
  serversAnswer,
} from "../../scripts/local-servers.ts";
import { openProxy } from "../support/drivers/proxy.ts";

const IDLE_MS = 300_000;
/** Far below the time limits of a query and a command. */
const SOON_MS = 2_000;

afterEach(() => {
  vi.useRealTimers();
});
/** Timers do not run meanwhile, as in a function that is frozen. */
const freeze = (ms: number) => {
  const nowMs = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(nowMs + ms);
};
const timed = async <T>(work: Promise<T>) => {
  const beganMs = performance.now();
  const value = await work;
  expect(performance.now() - beganMs).toBeLessThan(SOON_MS);
  return value;
};

describe.skipIf(!serversAnswer)("on real servers, a connection that is forgotten is replaced at once", () => {
  test("by pg, which has one, and keeps it until then", async () => {
    const { url, drop } = await createServerDatabase();
    const proxy = await openProxy(POSTGRES_PORT);
    const address = Object.assign(new URL(url), { port: String(proxy.port) }).href;
    const driver = await openPg(address, { poolSize: 1, idleMs: IDLE_MS });
    const database = createDatabase(driver, systemClock);
    const session = async () => {
      const [row] = await timed(database.query<{ pid: number }>({ text: "select pg_backend_pid() as pid" }));
      return row?.pid;
    };
    const first = await session();
    freeze(IDLE_MS / 2);
    expect(await session()).toBe(first);
    proxy.forget();
    freeze(IDLE_MS + 1);
    expect(await session()).not.toBe(first);
    await driver.close();
    await proxy.close();
    await drop();
  });

  test("by ioredis", async () => {
    const proxy = await openProxy(REDIS_PORT);
    const address = Object.assign(new URL(redisServerUrl), { port: String(proxy.port) }).href;
    const driver = await openIoredis(address, { idleMs: IDLE_MS });
    const redis = createRedisCommands(driver);
    const session = () => timed(driver.call(["CLIENT", "ID"]));
    const first = await session();
    freeze(IDLE_MS / 2);
    expect(await session()).toBe(first);
    proxy.forget();
    freeze(IDLE_MS + 1);
    expect(await session()).not.toBe(first);
    // One that is forgotten sooner costs one command.
    proxy.forget();
    await expect(redis.get("a")).rejects.toThrow(/^Redis: /);
    expect(await redis.run("return 1", [], [])).toBe(1);
    await driver.close();
    await proxy.close();
  });
});
