/** Tickwork as part of an SST app: everything it needs, in one call. */
import { alarms } from "./alarms.ts";
import { api } from "./api.ts";
import { deadLetterQueue } from "./dead-letters.ts";
import { doorbell } from "./doorbell.ts";
import { handlers } from "./handlers.ts";
import { migration } from "./migration.ts";
import type { TickworkNodes, TickworkOptions } from "./options.ts";
import type { ServiceParts } from "./parts.ts";
import { refresh } from "./refresh.ts";
import {
  apiKeyLink,
  certificates,
  databaseLink,
  encryptionKeysLink,
  handlerLink,
  redisLink,
} from "./secrets.ts";
import { readSettings } from "./settings.ts";
import { tick } from "./tick.ts";

/**
 * Adds Tickwork to an app.
 *
 * @param functions the folder of the functions' code, in the package
 * @throws ConfigError with one line when a setting is invalid
 */
export function deploy(options: TickworkOptions, functions: string): TickworkNodes {
  const settings = readSettings(process.env, console);
  const code = handlers(options.tasks, functions);
  const database = databaseLink(options.database);
  const deadLetters = deadLetterQueue();
  const { vpc } = options;
  const parts: ServiceParts = {
    handlers: code,
    settings,
    vpc,
    stores: [
      database,
      ...(settings.config.cacheEnabled ? [redisLink(options.redis)] : []),
      encryptionKeysLink(),
    ],
    handlerSecrets: handlerLink(options),
    certificates: certificates(database),
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
    api: http,
    apiKey,
    scheduleGroup: parts.doorbell.group.name,
    nodes: { tick: runner, refresh: refresher, api: server, deadLetters },
  };
}
