/** `npm start`: everything on this machine. */
import { existsSync } from "node:fs";
import { ConfigError } from "#core";
import { createHumanLog } from "./human-log.ts";
import { type Server, startServer } from "./server.ts";

// The AWS SDK, which this process never uses, would warn about Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
if (existsSync(".env")) process.loadEnvFile(".env");

const log = createHumanLog({ debugging: /^(1|true)$/i.test(process.env.DEBUGGING ?? "") });

let server: Server | undefined;
let ending = false;

/** The first signal shuts down gracefully, even during the start; the second quits at once. */
function end(): void {
  if (ending) process.exit(1);
  ending = true;
  log.info("Shutting down; waiting for running tasks. Press Ctrl-C again to quit now.");
  if (server) close(server);
}

function close(started: Server): void {
  started.close().then(
    () => process.exit(0),
    (error: unknown) => {
      log.error("the shutdown failed", { error });
      process.exit(1);
    },
  );
}

process.on("SIGTERM", end).on("SIGINT", end);
try {
  server = await startServer({ env: process.env, log });
  if (ending) close(server);
  else console.log(greeting(server));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
}

function greeting({ url, apiKey, embedded }: { url: string; apiKey: string; embedded: boolean }): string {
  const data = process.env.DATA_DIR || ".tickwork";
  const task = JSON.stringify({ type: "http_request", task_data: { url: `${url}/health/tasks` } });
  const allow = process.env.HTTP_REQUEST_ALLOW
    ? ""
    : "\n  http_request may reach this machine (HTTP_REQUEST_ALLOW is not set, so loopback is allowed here).";
  return `
Tickwork runs${embedded ? `, with an embedded Postgres (data in ${data})` : ""}.

  address   ${url}
  API key   ${apiKey}
${allow}
Post a task:

  curl -s ${url}/tasks -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '${task}'

See what became of it:

  curl -s ${url}/tasks -H 'Authorization: Bearer ${apiKey}'
`;
}
