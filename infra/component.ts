/** Tickwork as part of an SST app: everything it needs, in one call. */
import { alarms } from "./alarms.ts";
import { api } from "./api.ts";
import { deadLetterQueue } from "./dead-letters.ts";
import { doorbell } from "./doorbell.ts";
import { handlers } from "./handlers.ts";
import type { Network } from "./lambda.ts";
import { migration } from "./migration.ts";
import type { ServiceParts } from "./parts.ts";
import { refresh } from "./refresh.ts";
import { apiKeyLink, type DatabaseAddress, databaseLink, type RedisAddress, redisLink } from "./secrets.ts";
import { readSettings } from "./settings.ts";
import { type TickOptions, tick } from "./tick.ts";

export interface TickworkOptions {
  /**
   * The module that exports `definitions`, the list of task types; relative to the folder of sst.config.ts. To include
   * the types that ship with Tickwork, add those of `tickwork/tasks` to the list.
   */
  tasks: string;
  /** Default: the secret `DatabaseUrl`. */
  database?: DatabaseAddress;
  /** Default: the secrets `RedisUrl` and `RedisToken`. Not needed with `CACHE_ENABLED=false`. */
  redis?: RedisAddress;
  /** The key that callers of the API send. Default: the secret `TickworkApiKey`, or a random key if that is not set. */
  apiKey?: $util.Input<string>;
  /**
   * The VPC of all functions, for example to reach the databases from an address that they know. It needs a way out, such
   * as a NAT gateway: Tickwork calls the databases, Lambda and EventBridge Scheduler. Default: none.
   */
  vpc?: Network;
  /** What your tasks need: memory, links, permissions. */
  tick?: TickOptions;
  /** The address that gets a mail for each alarm. Default: `ALARM_EMAIL` in the deployer's environment. */
  alarmEmail?: string | undefined;
}

/**
 * Adds Tickwork to an app; call it once. Settings such as `TASK_CONCURRENCY` come from the deployer's environment.
 *
 * @throws ConfigError with one line when a setting is invalid
 *
 * @example
 * const { tickwork } = await import("tickwork/sst");
 * const { api, apiKey } = tickwork({ tasks: "src/tasks.ts" });
 */
export function tickwork(options: TickworkOptions) {
  const settings = readSettings(process.env, console);
  const code = handlers(options.tasks);
  const database = databaseLink(options.database);
  const deadLetters = deadLetterQueue();
  const { vpc } = options;
  const parts: ServiceParts = {
    handlers: code,
    settings,
    vpc,
    stores: settings.config.cacheEnabled ? [database, redisLink(options.redis)] : [database],
    doorbell: doorbell(deadLetters),
    deadLetters,
    migrated: migration({ handlers: code, settings, database, vpc }),
  };
  const apiKey = apiKeyLink(options.apiKey);
  const runner = tick(parts, options.tick ?? {});
  const refresher = refresh(parts);
  const { fn: server, http } = api(parts, apiKey);
  alarms({
    deadLetters,
    tick: runner,
    refresh: refresher,
    api: server,
    refreshMinutes: settings.refreshMinutes,
    email: options.alarmEmail ?? process.env.ALARM_EMAIL,
  });
  return {
    /** `api.url` is its address. A function that links it reads `Resource.TickworkHttp.url`. */
    api: http,
    /** A function that links it reads `Resource.TickworkApiKey.value`. */
    apiKey,
    /** The name of the group of the schedules. */
    scheduleGroup: parts.doorbell.group.name,
    /** The functions and the queue. */
    nodes: { tick: runner, refresh: refresher, api: server, deadLetters },
  };
}
