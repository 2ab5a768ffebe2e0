/** How many requests a key, and an address, may send. Counted in Redis, for all processes together. */
import type { Caller } from "../api-key.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { messageOf } from "../errors.ts";
import type { RedisCommands } from "../gate/redis-commands.ts";
import { keyOf } from "../gate/scripts/keys.ts";
import { ADMIT, type Bucket } from "../gate/scripts/rate-limit.ts";
import { LIMIT_WARNED_MS } from "../limits.ts";
import type { Logger } from "../log.ts";

export type LimitSettings = Pick<Config, "apiLimitPerKey" | "apiLimitPerAddress" | "apiLimitFailure">;

export interface RateLimits {
  /**
   * Counts a request, in one request to Redis at most, and none where no limit is for it.
   *
   * @param caller undefined: who sent no good key
   * @returns milliseconds after which it would be admitted; 0: it is
   * @throws RedisError when Redis does not answer, where that is to refuse
   */
  admit(caller: Caller | undefined, address: string | undefined): Promise<number>;
}

export function createRateLimits(
  { apiLimitPerKey, apiLimitPerAddress, apiLimitFailure }: LimitSettings,
  deps: { redis: RedisCommands; prefix: string; clock: Pick<Clock, "now">; log: Logger },
): RateLimits {
  const { redis, prefix, clock, log } = deps;
  let warnedMs = Number.NEGATIVE_INFINITY;
  return {
    async admit(caller, address) {
      const counted: [string, Bucket][] = [];
      if (apiLimitPerKey !== undefined && caller)
        counted.push([`key:${caller.keyId ?? 0}`, bucketOf(apiLimitPerKey)]);
      if (apiLimitPerAddress !== undefined && address)
        counted.push([`address:${networkOf(address)}`, bucketOf(apiLimitPerAddress)]);
      if (counted.length === 0) return 0;
      const names = counted.map(([name]) => keyOf(prefix, `rate:${name}`));
      try {
        const given = ADMIT.encode({ buckets: counted.map(([, bucket]) => bucket) });
        return ADMIT.decode(await redis.run<number>(ADMIT.lua, names, given));
      } catch (error) {
        if (apiLimitFailure === "closed") throw error;
        if (clock.now() - warnedMs >= LIMIT_WARNED_MS) {
          warnedMs = clock.now();
          log.warn("requests are not counted, and so not limited", { error: messageOf(error) });
        }
        return 0;
      }
    },
  };
}

const MINUTE_MS = 60_000;

const bucketOf = (perMinute: number): Bucket => ({
  limit: perMinute,
  stepMs: Math.ceil(MINUTE_MS / perMinute),
});

/** An address of IPv4; of IPv6 the network, in which anybody has as many addresses as they like. */
export function networkOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [left = [], right = []] = address.split("::").map((half) => half.split(":").filter(Boolean));
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  return [...left, ...zeros, ...right].slice(0, 4).join(":");
}
