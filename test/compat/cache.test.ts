import { expect, test, vi } from "vitest";
import { getCache } from "#compat";
import { RedisError } from "#core";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";

eachStack("the cache", (kind) => {
  const compat = compatBed(kind);

  test.each([
    ["Redis", {}],
    ["memory", { CACHE_ENABLED: "false" }],
  ])("keeps JSON in %s", async (_, env) => {
    compat.use({ env });
    const cache = getCache();
    for (const value of [{ a: [1, null, "x"] }, "text", "12", 12, 0, false, null, "", '{"a":1}']) {
      await cache.set("key", value);
      expect(await cache.get("key")).toEqual(value);
    }
    expect(await cache.get("other")).toBeNull();
    expect(await cache.delete("key")).toBe(true);
    expect(await cache.get("key")).toBeNull();
    await cache.set("key", 1, 60);
    expect(await cache.get("key")).toBe(1);
    expect(await cache.del("key")).toBe(true);
    expect(await cache.del("key")).toBe(false);
    await expect(cache.set("key", undefined)).rejects.toThrow("value must be JSON, got undefined");
    await expect(cache.set("key", 1, 0.5)).rejects.toThrow(
      "ttlSeconds must be whole seconds from 1, got 0.5",
    );
  });

  test("has keys of its own, and they expire", async () => {
    const { operator, prefix } = await compat.useWarm();
    await getCache().set("due", "mine", 60);
    expect(await compat.bed.redis("GET", `{${prefix}}:cache:due`)).toBe('"mine"');
    expect(await compat.bed.redis("PTTL", `{${prefix}}:cache:due`)).toBeGreaterThan(50_000);
    expect(await operator.getCacheStats()).toMatchObject({ initialized: true, cachedTasksCount: 0 });
  });

  test("throws when Redis does not answer", async () => {
    compat.use();
    compat.bed.faults.redis = () => {
      throw new Error("no route to host");
    };
    const cache = getCache();
    for (const work of [cache.get("a"), cache.set("a", 1), cache.delete("a")])
      await expect(work).rejects.toBeInstanceOf(RedisError);
  });

  test("in memory, values expire too, belong to one Tickwork, and are limited in number", async () => {
    compat.use({ env: { CACHE_ENABLED: "false" } });
    const cache = getCache();
    vi.useFakeTimers({ toFake: ["Date"] });
    await cache.set("brief", 1, 10);
    vi.setSystemTime(Date.now() + 9_999);
    expect(await cache.get("brief")).toBe(1);
    vi.setSystemTime(Date.now() + 1);
    expect(await cache.get("brief")).toBeNull();
    vi.useRealTimers();
    for (let n = 0; n <= 10_000; n++) await cache.set(`key${n}`, n);
    expect(await cache.get("key0")).toBeNull();
    expect(await cache.get("key1")).toBe(1);
    expect(compat.bed.counts).toMatchObject({ redis: 0 });
    compat.use({ env: { CACHE_ENABLED: "false" } });
    expect(await cache.get("key1")).toBeNull();
  });
});
