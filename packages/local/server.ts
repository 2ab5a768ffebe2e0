import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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
import { messageOf } from "../core/errors.ts";
import { parseAllowList } from "../tasks/allow-list.ts";
import { damaged, postgresFolder } from "./embedded-postgres.ts";
import { closeHttp, createHttpServer, listen } from "./http.ts";
import { postgresRefusal } from "./reach.ts";
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

export interface ServerOptions {
  env: Environment;
  log: Logger;
  /** The types of task that it runs. */
  definitions: Definitions;
  /** A folder with schedules and hooks, which are loaded once the schema is there, before any task runs. */
  extensions?: string | undefined;
}

/**
 * Everything in one process: Postgres and Redis (embedded or real), the API, and timers in place of what calls the
 * functions on AWS. No task runs before this returns.
 *
 * @throws ConfigError with one line when the environment, the folder, a server or the port cannot be used
 * @example const server = await startServer({ env: { PORT: "0" }, log, definitions });
 */
export async function startServer({ env, log, definitions, extensions }: ServerOptions): Promise<Server> {
  const config = readConfig({ HTTP_REQUEST_ALLOW: LOOPBACK, ...env }, log);
  parseAllowList(config.httpRequestAllow);
  await tryToListen(config);
  const stack = await openStack({
    config,
    user: env.PGUSER,
    log,
    definitions,
  });
  const { worker } = stack.tickwork;
  const http = createHttpServer(createApp(stack.tickwork));
  const refreshNow = () =>
    worker.refresh().then(
      () => {},
      (error: unknown) =>
        log.error("a refresh failed; the next one makes up for it", { error: messageOf(error) }),
    );
  try {
    await prepare(stack, log);
    // Extensions are loaded here.
    if (extensions !== undefined) throw new ConfigError("A folder of extensions cannot be loaded yet.");
    await listen(http, config);
    let refreshing = refreshNow();
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
        await Promise.all([worker.shutdown(), refreshing]);
        await closeHttp(http);
        await stack.close();
      },
    };
  } catch (error) {
    http.close();
    await stack.close();
    throw error;
  }
}

/** Brings the schema up to date. On the embedded Postgres, whoever held a lease is dead. */
async function prepare({ tickwork, config, embedded }: Stack, log: Logger): Promise<void> {
  try {
    await migrate(tickwork.database, log);
    if (embedded) await tickwork.store.endLeases();
  } catch (error) {
    if (!(error instanceof PostgresError)) throw error;
    throw config.databaseUrl === undefined
      ? damaged(postgresFolder(config.dataDir), error)
      : postgresRefusal(config.databaseUrl, error);
  }
}

/** A port that is taken is told before anything is opened. */
async function tryToListen(config: Config): Promise<void> {
  const http = createServer();
  await listen(http, config);
  await closeHttp(http);
}
