/** A server that lives until a signal ends its process. */
import { constants } from "node:os";
import type { Logger } from "#core";
import { type Server, type ServerOptions, startServer } from "./server.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Starts a server. The first signal shuts it down gracefully, the second quits at once. So does the first one during
 * the start: no task runs yet, and what is half prepared is not used by the next start.
 *
 * @throws ConfigError as `startServer`
 * @example const { url } = await serve({ env: process.env, log, definitions });
 */
export async function serve(options: ServerOptions): Promise<Server> {
  let server: Server | undefined;
  let ending = false;
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (ending || !server) process.exit(128 + constants.signals[signal]);
      ending = true;
      options.log.info("Shutting down; waiting for running tasks. Press Ctrl-C again to quit now.");
      void closeAndExit(server, options.log);
    });
  server = await startServer(options);
  return server;
}

/** Shuts a server down gracefully, and ends the process. */
export async function closeAndExit(server: Server, log: Logger): Promise<never> {
  try {
    await server.close();
  } catch (error) {
    log.error("the shutdown failed", { error });
    process.exit(1);
  }
  process.exit(0);
}
