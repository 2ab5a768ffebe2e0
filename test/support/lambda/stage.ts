/**
 * A stage of the service on one machine: the functions in their sandboxes; Neon, Upstash, EventBridge Scheduler and
 * Lambda's own API as stand-ins that speak the real wires.
 */
import type { Task } from "#core";
import { type AwsEndpoint, serveAws } from "../aws/aws-endpoint.ts";
import { GROUP, ROLE_ARN, TICK_ARN } from "../aws/open-doorbell.ts";
import { API_KEY, type DeploymentOptions, deploy } from "./deployment.ts";
import { gatewayEvent, httpAnswer } from "./gateway-event.ts";
import type { LambdaFunction } from "./lambda.ts";
import type { Packages } from "./package.ts";
import { openStores, type Stores } from "./stores.ts";
import { serveWeb, type WebServer } from "./web-server.ts";

export interface Stage extends Pick<Stores, "neon" | "upstash" | "sql"> {
  tick: LambdaFunction;
  refresh: LambdaFunction;
  api: LambdaFunction;
  migrate: LambdaFunction;
  aws: AwsEndpoint;
  /** What tasks of the type `http_request` call. */
  web: WebServer;
  /** What becomes of a ring. Default: an asynchronous invocation of tick. */
  deliver: (event: unknown) => void;
  /** A request to the API, with its key. */
  call<Body = unknown>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>;
  /** Makes tasks over the API, and returns them. */
  post(tasks: readonly object[]): Promise<Task[]>;
  /** The row as it is, without asking a function. */
  task(id: number): Promise<Task>;
  close(): Promise<void>;
}

export interface StageOptions extends DeploymentOptions {
  /** Whether the schema is there already. Default: true. */
  migrated?: boolean;
}

/** How often the clock of EventBridge looks. */
const CLOCK_INTERVAL_MS = 50;

export async function openStage(packages: Packages, options: StageOptions): Promise<Stage> {
  const stores = await openStores();
  const web = await serveWeb();
  const aws = await serveAws({
    functionArns: [TICK_ARN],
    groupName: GROUP,
    roleArn: ROLE_ARN,
    onInvoke: ({ event }) => stage.deliver(event),
  });
  const parts = { packages, stores, awsUrl: aws.url };
  const [tick, refresh, api, migrate] = await Promise.all([
    deploy("tick", parts, options),
    deploy("refresh", parts, options),
    deploy("api", parts, options),
    deploy("migrate", parts, options),
  ]);
  // Schedules fire by the world's clock, when their second comes.
  const clock = setInterval(() => {
    for (const { input } of aws.scheduler.due()) stage.deliver(JSON.parse(input));
  }, CLOCK_INTERVAL_MS);

  const stage: Stage = {
    tick,
    refresh,
    api,
    migrate,
    neon: stores.neon,
    upstash: stores.upstash,
    sql: (text, params) => stores.sql(text, params),
    aws,
    web,
    deliver: (event) => tick.invokeAsync(event),
    async call<Body>(method: string, path: string, body?: unknown) {
      const headers = { authorization: `Bearer ${API_KEY}` };
      const done = await api.invoke(gatewayEvent({ method, path, headers, body }));
      if (!done.ok) throw new Error(`${method} ${path}: ${done.error.errorType}: ${done.error.errorMessage}`);
      return httpAnswer<Body>(done.payload);
    },
    async post(tasks) {
      const { status, body } = await stage.call<Task[]>("POST", "/tasks", tasks);
      if (status !== 201) throw new Error(`POST /tasks: ${status} ${JSON.stringify(body)}`);
      return body;
    },
    async task(id) {
      const [row] = await stores.sql(`select row_to_json(t) from "baasix_Tasks" t where id = $1`, [id]);
      return JSON.parse(row?.[0] ?? "null") as Task;
    },
    async close() {
      clearInterval(clock);
      await Promise.all([tick, refresh, api, migrate].map((one) => one.close()));
      await Promise.all([aws.close(), web.close(), stores.close()]);
    },
  };
  if (options.migrated ?? true) await stores.migrate();
  return stage;
}
