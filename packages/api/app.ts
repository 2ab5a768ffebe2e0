import { Hono } from "hono";
import { type Clock, ConfigError, systemClock, type Tickwork, TickworkError } from "#core";
import { createAccess } from "../core/access/access.ts";
import { createRateLimits, type LimitSettings, type RateLimits } from "../core/access/rate-limit.ts";
import { DEFAULTS, LIMITS_NEED_REDIS } from "../core/config.ts";
import { cors, securityHeaders } from "./browser.ts";
import { answerError } from "./errors.ts";
import { guard } from "./guard.ts";
import { logRequests, type RequestEnv } from "./log.ts";
import { openApi } from "./openapi/openapi.ts";
import { accessRoutes } from "./routes/access.ts";
import { bulkRoutes } from "./routes/bulk.ts";
import { controlRoutes } from "./routes/control.ts";
import { dashboardRoutes } from "./routes/dashboard.ts";
import { healthRoutes } from "./routes/health.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { insightRoutes } from "./routes/insight.ts";
import { limitRoutes } from "./routes/limits.ts";
import { pauseRoutes } from "./routes/pauses.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { taskRoutes } from "./routes/tasks.ts";

/** What the API stands on: a Tickwork. */
export interface AppDeps
  extends Pick<
    Tickwork,
    "tasks" | "schedules" | "operator" | "insight" | "hooks" | "log" | "database" | "redis" | "prefix"
  > {
  /** `apiKey` is what callers may send as `Authorization: Bearer …`, beside the keys that are made. */
  config: Pick<Tickwork["config"], "apiKey"> &
    Partial<Pick<Tickwork["config"], "apiOrigins"> & LimitSettings>;
  /** Default: the system's. */
  clock?: Pick<Clock, "now">;
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
  const { tasks, schedules, operator, insight, hooks, log, config } = deps;
  const { apiKey } = config;
  if (!apiKey)
    throw new ConfigError("API_KEY must be what callers send as Authorization: Bearer …, got nothing.");
  const parts = { ...deps, apiKey, clock: deps.clock ?? systemClock };
  const access = createAccess(parts);
  const app = new Hono<{ Bindings: RequestEnv }>();
  app.onError((error, c) => answerError(c, error, log));
  app.notFound((c) => {
    const message = `There is no ${c.req.method} ${c.req.path}; /openapi.json lists what there is.`;
    return answerError(c, new TickworkError("route_not_found", message), log);
  });
  app.use(logRequests(log));
  app.use(securityHeaders);
  if (config.apiOrigins?.length) app.use(cors(config.apiOrigins));
  app.route("/", dashboardRoutes());
  app.use(guard(access, limitsOf(config, parts)));
  app.route("/", healthRoutes(operator));
  app.get("/openapi.json", async (c) => c.json(await openApi()));
  app.route("/", insightRoutes(insight));
  app.route("/", controlRoutes(operator, access));
  app.route("/", accessRoutes(access));
  app.route("/", pauseRoutes(operator, access));
  app.route("/", limitRoutes(operator, access));
  app.route("/", hookRoutes(operator, hooks));
  app.route("/", bulkRoutes(operator, access));
  app.route("/", taskRoutes(tasks));
  app.route("/", scheduleRoutes(schedules, access));
  return app;
}

/** Undefined: there are none. */
function limitsOf(
  config: AppDeps["config"],
  { redis, ...deps }: AppDeps & { clock: Pick<Clock, "now"> },
): RateLimits | undefined {
  const { apiLimitPerKey, apiLimitPerAddress, apiLimitFailure = DEFAULTS.apiLimitFailure } = config;
  if (apiLimitPerKey === undefined && apiLimitPerAddress === undefined) return undefined;
  if (!redis) throw new ConfigError(LIMITS_NEED_REDIS);
  return createRateLimits({ apiLimitPerKey, apiLimitPerAddress, apiLimitFailure }, { ...deps, redis });
}
