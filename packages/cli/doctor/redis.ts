/** Redis: whether it can be used, keeps what it is given, and knows the time. */
import type { Config, RedisDriver } from "#core";
import { keyPrefixOf, openCache } from "../../local/open-servers.ts";
import { compareClock } from "./clock.ts";
import { type Finding, failed, note, ok, problem } from "./finding.ts";

/** Where Upstash has the switch. */
const UPSTASH_EVICTION =
  "in the Upstash console, open the database and switch off Eviction under Configuration";
const NO_EVICTION =
  "redis-cli config set maxmemory-policy noeviction, and the same in redis.conf; at a provider, in the settings of the database";

/** Before this version, a script that asks for the time could not write. */
const OLDEST_MAJOR = 5;

export async function checkRedis(config: Config): Promise<Finding[]> {
  if (!config.cacheEnabled) return [ok("redis", "is not used (CACHE_ENABLED=false)")];
  if (config.redisUrl === undefined) return [ok("redis", "the embedded one, in the memory of the server")];
  let driver: RedisDriver | undefined;
  try {
    driver = await openCache(config, keyPrefixOf(config));
    return await examine(driver, /^https?:/i.test(config.redisUrl));
  } catch (error) {
    return [failed("redis", error)];
  } finally {
    await driver?.close();
  }
}

async function examine(driver: RedisDriver, isUpstash: boolean): Promise<Finding[]> {
  const info = await readInfo(driver);
  return [
    checkVersion(info.get("redis_version")),
    await compareClock("redis clock", () => timeOf(driver)),
    checkEviction(info.get("maxmemory_policy"), isUpstash),
    ...(info.has("aof_enabled") ? [checkPersistence(info)] : []),
  ];
}

/** What it says about itself; nothing where that is forbidden, or not known there. */
async function readInfo(driver: RedisDriver): Promise<Map<string, string>> {
  const text = await driver.call(["INFO"]).catch(() => "");
  return new Map(
    [...String(text).matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
}

async function timeOf(driver: RedisDriver): Promise<number> {
  const [seconds, microseconds] = (await driver.call(["TIME"])) as [string, string];
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

function checkVersion(version: string | undefined): Finding {
  if (version === undefined) return ok("redis", "answers, and does not tell its version");
  if (Number(version.split(".")[0]) >= OLDEST_MAJOR) return ok("redis", `answers, version ${version}`);
  return problem("redis", `version ${version} is too old`, `use Redis ${OLDEST_MAJOR} or later`);
}

/** @param policy undefined when it is not told */
export function checkEviction(policy: string | undefined, isUpstash: boolean): Finding {
  const check = "redis eviction";
  const mend = isUpstash ? UPSTASH_EVICTION : NO_EVICTION;
  if (policy === "noeviction") return ok(check, "nothing is evicted");
  if (policy === undefined)
    return note(
      check,
      `${isUpstash ? "Upstash" : "it"} does not tell whether it evicts keys; it must not`,
      mend,
    );
  return problem(
    check,
    `its policy is ${policy}, which may evict the cache of tasks and running flags; it must be noeviction`,
    mend,
  );
}

function checkPersistence(info: Map<string, string>): Finding {
  const check = "redis persistence";
  const failing = ["rdb_last_bgsave_status", "aof_last_write_status"].find(
    (name) => info.get(name) === "err",
  );
  if (failing)
    return problem(
      check,
      `its last write to disk failed (${failing}), and it may refuse what it is given`,
      "make room on its disk, and look into its log",
    );
  return ok(
    check,
    info.get("aof_enabled") === "1"
      ? "it keeps a log of what it is given"
      : "it may lose what came last in a restart, which the next refresh brings back",
  );
}
