import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { REDIS_PAUSE_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Gate } from "./gate.ts";
import { RedisError } from "./redis-commands.ts";

/**
 * The gate in Redis as long as Redis answers, and else the one on Postgres. After a failure Redis is left alone for
 * `REDIS_PAUSE_MS`, so that a slow one costs its time limit once and not with every step.
 */
export function withFallback(redis: Gate, postgres: Gate, clock: Clock, log: Logger): Gate {
  let pausedUntilMs = 0;
  const paused = () => clock.now() < pausedUntilMs;
  /**
   * Standings did not reach Redis. What it says is not believed until it was rebuilt, for it may lack a task that is
   * due. (What others failed to tell it, the next refresh mends.)
   */
  let missed = false;
  /** Redis has failed: where that happened to others, it may lack what they wrote. */
  let failed = false;

  const redisOr = async <T>(
    step: keyof Gate,
    ask: () => Promise<T>,
    fallback: () => Promise<T>,
  ): Promise<T> => {
    if (paused()) return fallback();
    try {
      return await ask();
    } catch (error) {
      // Whatever else went wrong, Postgres for example, is not mended by asking Postgres.
      if (!(error instanceof RedisError)) throw error;
      pausedUntilMs = clock.now() + REDIS_PAUSE_MS;
      failed = true;
      log.warn("Redis does not answer; Postgres stands in for it", { step, error: messageOf(error) });
      return fallback();
    }
  };
  /** A step that both gates can take. */
  const either = <T>(
    step: keyof Gate,
    take: (gate: Gate) => Promise<T>,
    standings: readonly Standing[] = [],
  ): Promise<T> =>
    redisOr(
      step,
      () => take(redis),
      () => {
        missed ||= standings.length > 0;
        return take(postgres);
      },
    );

  return {
    // Redis may be asked again: have it rebuilt first. While it is paused, Postgres answers and needs no cache.
    enter: async (asking) =>
      missed && !paused() ? { kind: "unknown" } : either("enter", (gate) => gate.enter(asking)),
    // Goes to Redis all the same, where the flag is. What was missed has been rung for, and that tick enters.
    leave: (asking, slot, standings) =>
      either("leave", (gate) => gate.leave(asking, slot, standings), standings),
    release: (token, slot, standings) =>
      either("release", (gate) => gate.release(token, slot, standings), standings),
    renew: (token, slot, standings) =>
      either("renew", (gate) => gate.renew(token, slot, standings), standings),
    // The gate on Postgres would say that they arrived, for it has no cache.
    put: (standings) =>
      redisOr(
        "put",
        () => redis.put(standings),
        async () => {
          missed = true;
          return undefined;
        },
      ),
    rebuild: (read) =>
      redisOr(
        "rebuild",
        async () => {
          const before = { missed, failed };
          // From here on: what is missed while `read` runs may not be in what it finds, and counts as missed again.
          missed = false;
          failed = false;
          let rebuilt = false;
          try {
            rebuilt = await redis.rebuild(read);
          } finally {
            missed ||= before.missed && !rebuilt;
            failed ||= before.failed && !rebuilt;
          }
          return rebuilt;
        },
        () => postgres.rebuild(read),
      ),
    // It was not told everything: only Postgres knows the rest.
    vouch: async (trust) => (missed || failed ? undefined : either("vouch", (gate) => gate.vouch(trust))),
    // The only step that may fail: statistics say that Redis does not answer.
    look: () => redis.look(),
    list: () => either("list", (gate) => gate.list()),
    rows: (ids) => either("rows", (gate) => gate.rows(ids)),
    hold: (token, ttlMs) => either("hold", (gate) => gate.hold(token, ttlMs)),
    letGo: (token) => either("letGo", (gate) => gate.letGo(token)),
    setRunning: (running) => either("setRunning", (gate) => gate.setRunning(running)),
    isRunning: () => either("isRunning", (gate) => gate.isRunning()),
  };
}
