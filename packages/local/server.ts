import type { AddressInfo } from "node:net";
import { type Environment, type Logger, migrate } from "#core";
import { handler as refresh } from "../../functions/refresh.ts";
import { handler as tick } from "../../functions/tick.ts";
import { messageOf } from "../core/errors.ts";
import { parseAllowList } from "../tasks/allow-list.ts";
import { closeHttp, createHttpServer, listen } from "./http.ts";
import { lambdaContext } from "./lambda-context.ts";
import { openStack } from "./stack.ts";

export interface Server {
  /** `http://127.0.0.1:3000` */
  url: string;
  apiKey: string;
  embedded: boolean;
  /** Shuts down gracefully: claims nothing more, gives running tasks their time, then closes everything. */
  close(): Promise<void>;
}

/**
 * Everything in one process: Postgres and Redis (embedded or real), timers, the API, and the other functions that run on
 * AWS, called with the events that Lambda would give them.
 *
 * @throws ConfigError with one line when the environment, the folder or the port cannot be used
 * @example const server = await startServer({ env: { PORT: "0" }, log });
 */
export async function startServer({ env, log }: { env: Environment; log: Logger }): Promise<Server> {
  const stack = await openStack({ env, log, tick: (event) => tick(event, lambdaContext("tick")) });
  const http = createHttpServer();
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
