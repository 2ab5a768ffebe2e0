import type { Clock } from "../clock.ts";
import type { RedisCommands } from "../gate/redis-commands.ts";
import { type Database, isRefused, PostgresError, type Statement } from "../store/database.ts";
import { writesTasks } from "../store/fragments.ts";

/** How this process fares with its servers, without asking them anything. Times are epoch milliseconds. */
export interface Vitals {
  startedMs: number;
  /** When each last answered. */
  postgresMs?: number;
  redisMs?: number;
  /** When a task was last written. */
  writtenMs?: number;
  /** What came last was a failure: of any request; of the writes of tasks, for with a full disk reads go on. */
  postgresFails: boolean;
  writesFail: boolean;
}

export const createVitals = ({ now }: Pick<Clock, "now">): Vitals => ({
  startedMs: now(),
  postgresFails: false,
  writesFail: false,
});

/** The same Postgres; what it answers is noted. */
export function watchDatabase(database: Database, vitals: Vitals, { now }: Pick<Clock, "now">): Database {
  const noting = async <Answer>(writes: boolean, request: Promise<Answer[]>): Promise<Answer[]> => {
    try {
      const answer = await request;
      Object.assign(vitals, { postgresMs: now(), postgresFails: false });
      // What found no row has written nothing.
      if (writes && answer.length > 0) Object.assign(vitals, { writtenMs: now(), writesFail: false });
      return answer;
    } catch (error) {
      if (isRefused(error)) vitals.postgresMs = now();
      else
        Object.assign(vitals, {
          postgresFails: true,
          writesFail: vitals.writesFail || (writes && isLasting(error)),
        });
      throw error;
    }
  };
  return {
    query: <Row>(request: Statement, options?: { repeatable?: boolean }) =>
      noting(writesTasks(request.text), database.query<Row>(request, options)),
    // A refresh, which has nothing to write as a rule, or a migration.
    transaction: <Row>(
      requests: readonly Statement[],
      options?: { repeatable?: boolean; timeoutMs?: number },
    ) => noting(false, database.transaction<Row>(requests, options)),
  };
}

/** Connections, conflicts of transactions, locks, shutdowns: the next write may well succeed. */
const PASSING = /^(08|40|53300|55|57)/;

/** Whether Postgres said why it cannot write, such as that its disk is full. */
function isLasting(error: unknown): boolean {
  return error instanceof PostgresError && error.sqlState !== undefined && !PASSING.test(error.sqlState);
}

/** The same Redis; when it answers is noted. */
export function watchRedis(redis: RedisCommands, vitals: Vitals, { now }: Pick<Clock, "now">): RedisCommands {
  const noting = async <T>(request: Promise<T>): Promise<T> => {
    const answer = await request;
    vitals.redisMs = now();
    return answer;
  };
  return {
    run: (script, keys, args) => noting(redis.run(script, keys, args)),
    fields: (key, fields) => noting(redis.fields(key, fields)),
    get: (key) => noting(redis.get(key)),
    set: (key, value, ttlSeconds) => noting(redis.set(key, value, ttlSeconds)),
    remove: (key) => noting(redis.remove(key)),
  };
}
