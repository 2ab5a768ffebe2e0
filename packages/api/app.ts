import { Hono } from "hono";
import { ConfigError, type Tickwork, TickworkError } from "#core";
import { requireKey } from "./auth.ts";
import { answerError } from "./errors.ts";
import { logRequests, type RequestEnv } from "./log.ts";
import { openApi } from "./openapi.ts";
import { controlRoutes } from "./routes/control.ts";
import { healthRoutes } from "./routes/health.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { pauseRoutes } from "./routes/pauses.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { taskRoutes } from "./routes/tasks.ts";

/** What the API stands on. `config.apiKey` is what callers send as `Authorization: Bearer …`. */
export interface AppDeps extends Pick<Tickwork, "tasks" | "schedules" | "operator" | "hooks" | "log"> {
  config: Pick<Tickwork["config"], "apiKey">;
}

/** The API, for whatever serves it: a runtime's own server, or an app of any framework that passes requests on. */
export interface Api {
  /** Answers a request. */
  fetch: (request: Request, env?: RequestEnv) => Response | Promise<Response>;
  /** Answers what is described, which comes from no network: for tests. */
  request: (path: string, init?: RequestInit, env?: RequestEnv) => Response | Promise<Response>;
}

/**
 * The HTTP API over a Tickwork, the same on Lambda, on one machine and in tests.
 *
 * @throws ConfigError when there is no API key
 * @example const response = await createApp(tickwork).request("/health/tasks");
 */
export function createApp(deps: AppDeps): Api {
  const { tasks, schedules, operator, hooks, log, config } = deps;
  const { apiKey } = config;
  if (!apiKey)
    throw new ConfigError("API_KEY must be what callers send as Authorization: Bearer …, got nothing.");
  const app = new Hono<{ Bindings: RequestEnv }>();
  app.onError((error, c) => answerError(c, error, log));
  app.notFound((c) => {
    const message = `There is no ${c.req.method} ${c.req.path}; /openapi.json lists what there is.`;
    return answerError(c, new TickworkError("route_not_found", message), log);
  });
  app.use(logRequests(log));
  app.route("/", healthRoutes(operator));
  app.use(requireKey(apiKey));
  app.get("/openapi.json", async (c) => c.json(await openApi()));
  app.route("/", controlRoutes(operator));
  app.route("/", pauseRoutes(operator));
  app.route("/", hookRoutes(operator, hooks));
  app.route("/", taskRoutes(tasks));
  app.route("/", scheduleRoutes(schedules));
  return app;
}
