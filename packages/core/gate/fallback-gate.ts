import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { REDIS_PAUSE_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Gate } from "./gate.ts";
import { RedisError } from "./redis-commands.ts";

/**
 * Redis as long as it answers, else Postgres. After a failure Redis is left alone for a moment, so that a slow one
 * costs its time limit once and not with every step.
 */
export function withFallback(redis: Gate, postgres: Gate, clock: Clock, log: Logger): Gate {
  let pausedUntil = 0;
  /** A change did not reach Redis: what it says is not to be believed before it was rebuilt. */
  let missed = false;

  const instead = async <T>(
    what: string,
    work: () => Promise<T>,
    otherwise: () => Promise<T>,
  ): Promise<T> => {
    if (clock.now() < pausedUntil) return otherwise();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      pausedUntil = clock.now() + REDIS_PAUSE_MS;
      log.warn("Redis does not answer; Postgres alone for now", { what, error: messageOf(error) });
      return otherwise();
    }
  };

  return {
    enter: (asking) => {
      if (missed && clock.now() >= pausedUntil) return Promise.resolve({ kind: "unknown" });
      return instead(
        "enter",
        () => redis.enter(asking),
        () => postgres.enter(asking),
      );
    },
    leave: (asking, slot, writes) =>
      instead(
        "leave",
        () => redis.leave(asking, slot, writes),
        () => {
          missed ||= writes.length > 0;
          return postgres.leave(asking, slot, writes);
        },
      ),
    release: (token, slot, writes) =>
      instead(
        "release",
        () => redis.release(token, slot, writes),
        () => {
          missed ||= writes.length > 0;
          return postgres.release(token, slot, writes);
        },
      ),
    renew: (token, slot, writes) =>
      instead(
        "renew",
        () => redis.renew(token, slot, writes),
        () => {
          missed ||= writes.length > 0;
          return postgres.renew(token, slot, writes);
        },
      ),
    put: (writes) =>
      instead(
        "put",
        () => redis.put(writes),
        async () => {
          missed = true;
          return false;
        },
      ),
    rebuild: (read) =>
      instead(
        "rebuild",
        async () => {
          const before = missed;
          // What is missed from now on is missed again.
          missed = false;
          let kept = false;
          try {
            kept = await redis.rebuild(read);
          } finally {
            missed ||= before && !kept;
          }
          return kept;
        },
        () => postgres.rebuild(read),
      ),
    look: () => redis.look(),
    list: () =>
      instead(
        "list",
        () => redis.list(),
        async () => undefined,
      ),
    setRunning: (running) =>
      instead(
        "setRunning",
        () => redis.setRunning(running),
        () => postgres.setRunning(running),
      ),
    isRunning: () =>
      instead(
        "isRunning",
        () => redis.isRunning(),
        () => postgres.isRunning(),
      ),
  };
}
