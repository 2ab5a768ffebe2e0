/** What a connection without a doorbell of its own tells the servers that listen. */
import { describe, expect, test } from "vitest";
import { connect } from "#connect";
import {
  createDatabase,
  createRedisCommands,
  createTickwork,
  migrate,
  readConfig,
  silent,
  systemClock,
} from "#core";
import { defaultDoorbell } from "../../packages/connect/default-doorbell.ts";
import { prefixOf } from "../../packages/core/gate/prefix.ts";
import { keysOf } from "../../packages/core/gate/scripts/keys.ts";
import { ARMED_MS } from "../../packages/core/limits.ts";
import { openChannel } from "../../packages/drivers/open.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { inMs } from "../support/bed/look.ts";
import { databases } from "../support/drivers/databases.ts";
import { redises } from "../support/drivers/redises.ts";
import { eventually } from "../support/eventually.ts";

const WAYS = [
  ["pg", "ioredis", "Postgres"],
  ["neon, over PGlite", "ioredis", "Redis, where Postgres is Neon"],
] as const;

describe.each(WAYS)("with %s and %s", (postgresKind, redisKind, way) => {
  const there = postgresKind in databases && redisKind in redises;
  test.skipIf(!there)(`servers hear through ${way} of what is due now and later`, async () => {
    const [database, redis] = await Promise.all([databases[postgresKind]?.(), redises[redisKind]?.()]);
    if (!database?.url || !redis?.url) throw new Error("there is no address");
    const addresses = { databaseUrl: database.url, redisUrl: redis.url };
    const prefix = prefixOf(database.url);
    const parts = {
      database: createDatabase(database.driver, systemClock),
      redis: createRedisCommands(redis.driver),
      ...{ config: readConfig({}), log: silent, doorbell: noteRings(), definitions: [], prefix },
    };
    await migrate(parts.database, silent);
    // Before there is a cache, servers are told to ask Postgres.
    await createTickwork(parts).worker.refresh();
    const server = await openChannel({
      ...addresses,
      postgres: database.driver,
      redis: redis.driver,
      prefix,
      log: silent,
    });
    const heard: string[] = [];
    await server?.listen({ hear: (text) => heard.push(text), missed: () => {} });
    const tickwork = connect({ ...addresses, log: silent });
    await tickwork.enqueue("greet", { name: "Ada" });
    const at = inMs(60_000);
    await tickwork.enqueue("greet", { name: "Ada" }, { at });
    const [now, later] = await eventually(() => heard.length === 2 && heard.map((text) => JSON.parse(text)));
    expect(now).toMatchObject({ now: {}, due: [] });
    expect(later).toMatchObject({ due: [{ atMs: Date.parse(at) }] });
    expect(Math.abs(later.due[0].inMs - 60_000)).toBeLessThan(10_000);
    // Many transactions in a second are one message, which says when to ask Postgres.
    const ways = { ...addresses, postgres: database.driver, redis: redis.driver, prefix, log: silent };
    const doorbell = await defaultDoorbell(ways);
    for (let n = 0; n < 20; n++) await doorbell.ringAfter(ARMED_MS, { askPostgres: true, by: "armed" });
    const armed = await eventually(() => heard.length > 2 && heard.slice(2).map((text) => JSON.parse(text)));
    expect(armed[0]).toMatchObject({ due: [{ askPostgres: true }] });
    expect(Math.abs(armed[0].due[0].inMs - ARMED_MS)).toBeLessThanOrEqual(1_000);
    expect(armed.length).toBeLessThanOrEqual(2);
    await tickwork.close();
    await server?.close();
    await redis.driver.call(["DEL", ...keysOf(prefix, 1)]);
    await Promise.all([database.close(), redis.close()]);
  });
});
