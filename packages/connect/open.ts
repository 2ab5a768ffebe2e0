import {
  createDatabase,
  createRedisCommands,
  createTickwork,
  type Logger,
  type PostgresDriver,
  type RedisDriver,
  readConfig,
  systemClock,
  type Tasks,
} from "#core";
import { DEFAULTS } from "../core/config.ts";
import { prefixOf } from "../core/gate/prefix.ts";
import type { Encryption } from "../core/tasks/encryption.ts";
import { isNeon } from "../drivers/addresses.ts";
import { openPostgres, openRedis } from "../drivers/open.ts";
import { defaultDoorbell } from "./default-doorbell.ts";
import { createInTransaction, type InTransaction } from "./in-transaction.ts";
import type { ConnectOptions } from "./options.ts";

/** Connections of one process: enqueueing needs few, and servers of Postgres have few to give. */
const CONNECTIONS = 4;

/** What a connection stands on, once it is needed. */
export interface Opened {
  tasks: Tasks;
  inTransaction: InTransaction;
  close(): Promise<void>;
}

/**
 * Opens what `checkOptions` accepted. Nothing is asked of Postgres yet.
 *
 * @throws ConfigError when a package is missing that the address needs
 */
export async function open(options: ConnectOptions, encryption: Encryption, log: Logger): Promise<Opened> {
  const { databaseUrl, redisUrl, redisToken, cacheLimit = DEFAULTS.cacheLimit } = options;
  const postgres: PostgresDriver = await openPostgres(databaseUrl, { poolSize: CONNECTIONS });
  const prefix = prefixOf(databaseUrl);
  let redis: RedisDriver | undefined;
  try {
    redis = redisUrl === undefined ? undefined : await openRedis(redisUrl, redisToken);
    const doorbell =
      options.doorbell ?? (await defaultDoorbell({ databaseUrl, redisUrl, postgres, redis, prefix, log }));
    const { tasks, operator, database } = createTickwork({
      config: { ...readConfig({}), cacheLimit },
      log,
      database: createDatabase(postgres, systemClock),
      redis: redis && createRedisCommands(redis),
      doorbell,
      definitions: [],
      enqueuesOnly: true,
      encryption,
      prefix,
    });
    const inTransaction = createInTransaction({
      database,
      doorbell,
      postgresTells: options.doorbell === undefined && !isNeon(databaseUrl),
      encryption,
      tell: operator.notifyChanged,
      clock: systemClock,
      log,
    });
    const opened = [postgres, redis];
    return {
      tasks,
      inTransaction,
      close: async () => {
        await inTransaction.close();
        await Promise.all(opened.map((driver) => driver?.close()));
      },
    };
  } catch (error) {
    await Promise.all([postgres.close(), redis?.close()]);
    throw error;
  }
}
