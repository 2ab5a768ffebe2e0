/** `npm start`: everything on this machine. */
import { ConfigError, TickworkError } from "#core";
import { definitions } from "#tasks";
import { loadEnvFile } from "./env-file.ts";
import { createHumanLog, isDebugging } from "./human-log.ts";
import { serve } from "./serve.ts";
import type { Server } from "./server.ts";

// The AWS SDK, which this process never uses, would warn about Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

try {
  loadEnvFile();
  const log = createHumanLog({ debugging: isDebugging(process.env) });
  console.log(greeting(await serve({ env: process.env, log, definitions })));
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

  Open the address in a browser for the dashboard, and sign in with the key.

  http_request may reach public addresses${allowed.length > 0 ? ` and ${allowed.join(", ")}` : " only"} (HTTP_REQUEST_ALLOW).

Post a task:

  curl -s ${url}/tasks -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '${JSON.stringify(task)}'

See what became of it:

  curl -s ${url}/tasks -H 'Authorization: Bearer ${apiKey}'
`;
}
