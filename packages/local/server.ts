import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import {
  type Config,
  ConfigError,
  type Environment,
  type Logger,
  migrate,
  PostgresError,
  readConfig,
} from "#core";
import { handler as api } from "../../functions/api.ts";
import { handler as refresh } from "../../functions/refresh.ts";
import { handler as tick } from "../../functions/tick.ts";
import { messageOf } from "../core/errors.ts";
import { parseAllowList } from "../tasks/allow-list.ts";
import { damaged, postgresFolder } from "./embedded-postgres.ts";
import { gatewayEvent, lambdaContext, sendResult } from "./lambda-events.ts";
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

/** How long a request in flight may take when the server shuts down. */
const DRAIN_LIMIT_MS = 2_000;

/**
 * Everything in one process: Postgres and Redis (embedded or real), timers, and the functions that run on AWS, called
 * with the events that Lambda would give them. No task runs before this returns.
 *
 * @throws ConfigError with one line when the environment, the folder, a server or the port cannot be used
 * @example const server = await startServer({ env: { PORT: "0" }, log });
 */
export async function startServer({ env, log }: { env: Environment; log: Logger }): Promise<Server> {
  const config = readConfig({ HTTP_REQUEST_ALLOW: LOOPBACK, ...env }, log);
  parseAllowList(config.httpRequestAllow);
  await tryToListen(config);
  const stack = await openStack({
    config,
    user: env.PGUSER,
    log,
    tick: (event) => tick(event, lambdaContext("tick")),
  });
  const http = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.error("a request failed", { error: messageOf(error) });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  const refreshNow = () =>
    refresh({}, lambdaContext("refresh")).then(
      () => {},
      (error: unknown) =>
        log.error("a refresh failed; the next one makes up for it", { error: messageOf(error) }),
    );
  try {
    const { worker } = stack.tickwork;
    await prepare(stack, log);
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

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const event = await gatewayEvent(request);
  sendResult(response, (await api(event, lambdaContext("api"))) as APIGatewayProxyStructuredResultV2);
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

function listen(http: HttpServer, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) => reject(listenRefusal(error, host, port)));
    http.listen(port, host, resolve);
  });
}

function listenRefusal(error: NodeJS.ErrnoException, host: string, port: number): ConfigError {
  if (error.code === "EADDRINUSE")
    return new ConfigError(
      `PORT is ${port} and something else listens there; set another one, or 0 for any that is free.`,
    );
  if (error.code === "EACCES")
    return new ConfigError(
      `PORT is ${port}, where this user may not listen; set one above 1023, or 0 for any that is free.`,
    );
  return new ConfigError(
    `HOST is ${host}, which is no address of this machine (${error.message}); set 127.0.0.1, or 0.0.0.0 to listen at all of its addresses.`,
  );
}

/** Requests in flight may finish; idle connections must not keep the process alive. */
function closeHttp(http: HttpServer): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => http.closeAllConnections(), DRAIN_LIMIT_MS);
    http.close(() => {
      clearTimeout(limit);
      resolve();
    });
    http.closeIdleConnections();
  });
}
