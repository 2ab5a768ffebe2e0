/** Tickwork as a part of an SST app: everything it needs, in one call. */
import { alarms } from "./alarms.ts";
import { api } from "./api.ts";
import { deadLetterQueue } from "./dead-letters.ts";
import { doorbell } from "./doorbell.ts";
import { handlers } from "./handlers.ts";
import { migration } from "./migration.ts";
import type { ServiceParts } from "./parts.ts";
import { refresh } from "./refresh.ts";
import { apiKeyLink, type DatabaseAddress, databaseLink, type RedisAddress, redisLink } from "./secrets.ts";
import { readSettings } from "./settings.ts";
import { type TickOptions, tick } from "./tick.ts";

export interface TickworkOptions {
  /**
   * The module that exports `definitions`, the list of what can be run; from the folder of sst.config.ts. To have the
   * handlers that ship with Tickwork, let it pass on those of `tickwork/tasks`.
   */
  tasks: string;
  /** Default: the secret `DatabaseUrl`. */
  database?: DatabaseAddress;
  /** Default: the secrets `RedisUrl` and `RedisToken`; with `CACHE_ENABLED=false` none is needed. */
  redis?: RedisAddress;
  /** What callers of the API send. Default: the secret `TickworkApiKey`, or a random key when that is not set. */
  apiKey?: $util.Input<string>;
  /** What the tasks need: memory, links, permissions. */
  tick?: TickOptions;
  /** Who gets a mail when something is wrong. Default: `ALARM_EMAIL` in the deployer's environment. */
  alarmEmail?: string | undefined;
}

/**
 * Adds Tickwork to an app. Once per app; settings such as `TASK_CONCURRENCY` are read from the deployer's environment.
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
  const parts: ServiceParts = {
    handlers: code,
    settings,
    stores: settings.config.cacheEnabled ? [database, redisLink(options.redis)] : [database],
    doorbell: doorbell(deadLetters),
    deadLetters,
    migrated: migration({ handlers: code, settings, database }),
  };
  const apiKey = apiKeyLink(options.apiKey);
  const runner = tick(parts, options.tick ?? {});
  const refresher = refresh(parts);
  const { fn: server, http } = api(parts, apiKey);
  alarms({ deadLetters, tick: runner, email: options.alarmEmail ?? process.env.ALARM_EMAIL });
  return {
    /** `api.url` is its address. Linked to a function, that function reads it as `Resource.TickworkHttp.url`. */
    api: http,
    /** Linked to a function, that function reads it as `Resource.TickworkApiKey.value`. */
    apiKey,
    /** The name of the group that the schedules are in. */
    scheduleGroup: parts.doorbell.group.name,
    /** The functions and the queue. */
    nodes: { tick: runner, refresh: refresher, api: server, deadLetters },
  };
}
