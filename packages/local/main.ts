/** `npm start`: everything on this machine. */
import { constants } from "node:os";
import { ConfigError, type Logger, TickworkError } from "#core";
import { definitions } from "#tasks";
import { loadEnvFile } from "./env-file.ts";
import { createHumanLog } from "./human-log.ts";
import { type Server, startServer } from "./server.ts";

// The AWS SDK, which this process never uses, would warn about Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

let server: Server | undefined;
let ending = false;

/**
 * The first signal shuts down gracefully, the second quits at once. So does the first one during the start: no task runs
 * yet, and what is half prepared is not used by the next start.
 */
function end(log: Logger, signal: NodeJS.Signals): void {
  if (ending || !server) process.exit(128 + constants.signals[signal]);
  ending = true;
  log.info("Shutting down; waiting for running tasks. Press Ctrl-C again to quit now.");
  server.close().then(
    () => process.exit(0),
    (error: unknown) => {
      log.error("the shutdown failed", { error });
      process.exit(1);
    },
  );
}

try {
  loadEnvFile();
  const log = createHumanLog({ debugging: /^(1|true)$/i.test(process.env.DEBUGGING ?? "") });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => end(log, signal));
  server = await startServer({ env: process.env, log, definitions });
  console.log(greeting(server));
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof TickworkError;
  console.error(expected ? error.message : error);
  process.exit(1);
}

function greeting({ url, apiKey, embedded, allowed }: Server): string {
  const data = process.env.DATA_DIR || ".tickwork";
  const asksItself = url.startsWith("http://127.0.0.1:") && allowed.includes("127.0.0.0/8");
  const task = asksItself
    ? { type: "http_request", task_data: { url: `${url}/health/tasks` } }
    : { type: "cleanup", task_data: { older_than_days: 30 } };
  return `
Tickwork runs${embedded ? `, with an embedded Postgres (data in ${data})` : ""}.

  address   ${url}
  API key   ${apiKey}

  http_request may reach public addresses${allowed.length > 0 ? ` and ${allowed.join(", ")}` : " only"} (HTTP_REQUEST_ALLOW).

Post a task:

  curl -s ${url}/tasks -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '${JSON.stringify(task)}'

See what became of it:

  curl -s ${url}/tasks -H 'Authorization: Bearer ${apiKey}'
`;
}
