import { Hono } from "hono";
import { ConfigError, type Tickwork, TickworkError } from "#core";
import { requireKey } from "./auth.ts";
import { answerError } from "./errors.ts";
import { logRequests } from "./log.ts";
import { openApi } from "./openapi.ts";
import { controlRoutes } from "./routes/control.ts";
import { healthRoutes } from "./routes/health.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { taskRoutes } from "./routes/tasks.ts";

/** What the API stands on. `config.apiKey` is what callers send as `Authorization: Bearer …`. */
export interface AppDeps extends Pick<Tickwork, "tasks" | "operator" | "hooks" | "log"> {
  config: Pick<Tickwork["config"], "apiKey">;
}

/**
 * The HTTP API: a Hono app over a Tickwork, the same on Lambda, on one machine and in tests.
 *
 * @throws ConfigError when there is no API key
 * @example const response = await createApp(tickwork).request("/health/tasks");
 */
export function createApp(deps: AppDeps) {
  const { tasks, operator, hooks, log, config } = deps;
  const { apiKey } = config;
  if (!apiKey)
    throw new ConfigError("API_KEY must be what callers send as Authorization: Bearer …, got nothing.");
  return new Hono()
    .onError((error, c) => answerError(c, error, log))
    .notFound((c) => {
      const message = `There is no ${c.req.method} ${c.req.path}; /openapi.json lists what there is.`;
      return answerError(c, new TickworkError("route_not_found", message), log);
    })
    .use(logRequests(log))
    .route("/", healthRoutes(operator))
    .use(requireKey(apiKey))
    .get("/openapi.json", async (c) => c.json(await openApi()))
    .route("/", controlRoutes(operator))
    .route("/", hookRoutes(operator, hooks))
    .route("/", taskRoutes(tasks));
}

/** The type of the API, for `hc` of Hono. */
export type Api = ReturnType<typeof createApp>;
