import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type Config, ConfigError, errors, type Hooks, type Logger, type TasksService } from "#core";
import { requireKey } from "./auth.ts";
import { answerError } from "./errors.ts";
import { logRequests } from "./log.ts";
import { openApi } from "./openapi.ts";
import { controlRoutes } from "./routes/control.ts";
import { healthRoutes } from "./routes/health.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { taskRoutes } from "./routes/tasks.ts";

export interface AppDeps {
  tasks: TasksService;
  hooks: Hooks;
  log: Logger;
  /** Its `apiKey` is what callers send as `Authorization: Bearer …`. */
  config: Pick<Config, "apiKey">;
}

/** What a request's body may have. */
const BODY_LIMIT_BYTES = 5 * 1024 * 1024;

/**
 * The HTTP API: a Hono app over the service, the same on Lambda, on one machine and in tests.
 *
 * @throws ConfigError when there is no API key
 * @example const response = await createApp(deps).request("/health/tasks");
 */
export function createApp(deps: AppDeps) {
  const { tasks, hooks, log, config } = deps;
  const { apiKey } = config;
  if (!apiKey)
    throw new ConfigError("API_KEY is not set; it must be what callers send as Authorization: Bearer …");
  return new Hono()
    .onError((error, c) => answerError(c, error, log))
    .notFound((c) => answerError(c, errors.noSuchRoute(c.req.method, c.req.path), log))
    .use(logRequests(log))
    .route("/", healthRoutes(tasks))
    .use(requireKey(apiKey))
    .use(
      bodyLimit({
        maxSize: BODY_LIMIT_BYTES,
        onError: () => {
          throw errors.tooLarge(
            "body_too_large",
            `The body has more than ${BODY_LIMIT_BYTES} bytes; send fewer tasks at once.`,
          );
        },
      }),
    )
    .get("/openapi.json", async (c) => c.json(await openApi()))
    .route("/", controlRoutes(tasks))
    .route("/", hookRoutes(tasks, hooks))
    .route("/", taskRoutes(tasks));
}

/** The type of the API, for `hc` of Hono. */
export type Api = ReturnType<typeof createApp>;
