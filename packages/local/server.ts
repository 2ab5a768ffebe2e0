import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { ConfigError, type Environment, type Logger, migrate } from "#core";
import { handler as api } from "../../functions/api.ts";
import { handler as refresh } from "../../functions/refresh.ts";
import { handler as tick } from "../../functions/tick.ts";
import { messageOf } from "../core/errors.ts";
import { parseAllowList } from "../tasks/allow-list.ts";
import { gatewayEvent, lambdaContext, sendResult } from "./lambda-events.ts";
import { openStack } from "./stack.ts";

export interface Server {
  /** `http://127.0.0.1:3000` */
  url: string;
  apiKey: string;
  embedded: boolean;
  /** Shuts down gracefully: claims nothing more, gives running tasks their time, then closes everything. */
  close(): Promise<void>;
}

/** How long a request in flight may take when the server shuts down. */
const DRAIN_LIMIT_MS = 2_000;

/**
 * Everything in one process: Postgres and Redis (embedded or real), timers, and the functions that run on AWS, called
 * with the events that Lambda would give them.
 *
 * @throws ConfigError with one line when the environment, the folder or the port cannot be used
 * @example const server = await startServer({ env: { PORT: "0" }, log });
 */
export async function startServer({ env, log }: { env: Environment; log: Logger }): Promise<Server> {
  const stack = await openStack({ env, log, tick: (event) => tick(event, lambdaContext("tick")) });
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
    const { worker, store, config, database } = stack.tickwork;
    parseAllowList(config.httpRequestAllow);
    await migrate(database, log);
    if (stack.embedded) await store.endLeases();
    await listen(http, stack.config.port);
    let refreshing = refreshNow();
    await refreshing;
    const timer = setInterval(() => {
      refreshing = refreshNow();
    }, stack.config.refreshIntervalSeconds * 1000);
    const { port } = http.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}`,
      apiKey: stack.apiKey,
      embedded: stack.embedded,
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

function listen(http: HttpServer, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) => {
      const busy = new ConfigError(
        `PORT is ${port} and something else listens there; set another one, or 0 for any that is free.`,
      );
      reject(error.code === "EADDRINUSE" ? busy : error);
    });
    http.listen(port, "127.0.0.1", resolve);
  });
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
