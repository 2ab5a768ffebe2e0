import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createApp } from "#api";
import {
  type Config,
  ConfigError,
  type Definitions,
  type Environment,
  type Logger,
  migrate,
  PostgresError,
  readConfig,
} from "#core";
import { DEFAULTS } from "../core/config.ts";
import { messageOf } from "../core/errors.ts";
import { parseAllowList } from "../tasks/allow-list.ts";
import { damaged, postgresFolder } from "./embedded-postgres.ts";
import type { Extensions, LoadModule } from "./extensions.ts";
import { closeHttp, createHttpServer, isLoopback, listen } from "./http.ts";
import { checkRights, postgresRefusal } from "./reach.ts";
import { openStack, type Stack } from "./stack.ts";
import { urlOf } from "./url.ts";

export interface Server {
  /** `http://127.0.0.1:3000` */
  url: string;
  apiKey: string;
  embedded: boolean;
  /** The private addresses that `http_request` may reach. */
  allowed: readonly string[];
  /** Shuts down gracefully: claims nothing more, gives running tasks their time, then closes everything. */
  close(): Promise<void>;
}

/** On one machine, `http_request` may reach the services that run beside this one, unless told otherwise. */
const LOOPBACK = "localhost,127.0.0.0/8,::1";

/** What is other by default where there is a disk that stays. */
function onThisMachine({ DATA_DIR }: Environment): Environment {
  const folder = DATA_DIR?.trim() || DEFAULTS.dataDir;
  return {
    HTTP_REQUEST_ALLOW: LOOPBACK,
    EMAIL_OUTBOX: join(folder, "outbox"),
    EXPORT_TO: join(folder, "exports"),
  };
}

export interface ServerOptions {
  env: Environment;
  log: Logger;
  /** The types of task that it runs. */
  definitions: Definitions;
  /** A folder of extensions as Baasix has them, loaded before anything runs. Default: none. */
  extensions?: string | undefined;
  /** Loads the modules of extensions by their absolute paths. Default: `import()`. */
  load?: LoadModule | undefined;
}

/**
 * Everything in one process: Postgres and Redis (embedded or real), the API, and timers in place of what calls the
 * functions on AWS. No task runs before this returns.
 *
 * @throws ConfigError with one line when the environment, the folder, a server or the port cannot be used
 * @example const server = await startServer({ env: { PORT: "0" }, log, definitions });
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { env, log, definitions } = options;
  const config = readConfig({ ...onThisMachine(env), ...env }, log);
  parseAllowList(config.httpRequestAllow);
  checkKey(config);
  await tryToListen(config);
  const stack = await openStack({
    config,
    user: env.PGUSER,
    log,
    definitions,
  });
  const { worker } = stack.tickwork;
  const http = createHttpServer(createApp(stack.tickwork));
  const refreshNow = async (options = {}) => {
    const refresh = worker.refresh(options).catch((error: unknown) => {
      log.error("a refresh failed; the next one makes up for it", { error: messageOf(error) });
    });
    // Between two refreshes nobody asks whether a silent connection is still there.
    await Promise.all([refresh, stack.neighbours.check()]);
  };
  let extensions: Extensions | undefined;
  try {
    await prepare(stack, log);
    extensions = await openExtensions(options, config);
    // Before the first refresh: what others enqueue after that has read is heard.
    await stack.neighbours.listen();
    await listen(http, config);
    let refreshing = refreshNow({ readPostgres: true });
    const timer = setInterval(() => {
      refreshing = refreshNow();
    }, config.refreshIntervalSeconds * 1000);
    const { address, port } = http.address() as AddressInfo;
    return {
      url: urlOf(address, port),
      apiKey: stack.apiKey,
      embedded: stack.embedded,
      allowed: config.httpRequestAllow,
      async close() {
        clearInterval(timer);
        await Promise.all([worker.shutdown(), refreshing, extensions?.endJobs()]);
        await closeHttp(http);
        await extensions?.stop();
        await stack.close();
      },
    };
  } catch (error) {
    http.close();
    await extensions?.stop();
    await stack.close();
    throw error;
  }
}

/** What is not needed is not loaded. */
async function openExtensions(
  { extensions: folder, load, log }: ServerOptions,
  { shutdownWaitSeconds }: Config,
): Promise<Extensions | undefined> {
  if (folder === undefined) return undefined;
  const { loadExtensions } = await import("./extensions.ts");
  return loadExtensions({ folder, load, log, jobWaitMs: shutdownWaitSeconds * 1000 });
}

/** Brings the schema up to date. On the embedded Postgres, whoever held a lease is dead. */
async function prepare({ tickwork, config, embedded }: Stack, log: Logger): Promise<void> {
  try {
    await migrate(tickwork.database, log);
    if (config.databaseUrl !== undefined) await checkRights(tickwork.database, config.databaseUrl);
    if (embedded) await tickwork.store.endLeases();
  } catch (error) {
    if (!(error instanceof PostgresError)) throw error;
    throw config.databaseUrl === undefined
      ? damaged(postgresFolder(config.dataDir), error)
      : postgresRefusal(config.databaseUrl, error);
  }
}

/** Whoever reaches the server has only its key to get past, and one that was generated is known to nobody's secrets. */
function checkKey({ host, apiKey }: Config): void {
  if (apiKey !== undefined || isLoopback(host)) return;
  throw new ConfigError(
    `HOST is ${host}, where others can reach this server; set API_KEY to a key of your own, or HOST to 127.0.0.1.`,
  );
}

/** A port that is taken is told before anything is opened. */
async function tryToListen(config: Config): Promise<void> {
  const http = createServer();
  await listen(http, config);
  await closeHttp(http);
}
