/** The four functions as `infra/` deploys them: their time limits, their environment, and what is linked to them. */
import type { FunctionName } from "../../../scripts/bundle.ts";
import { AWS_ENV, DEAD_LETTER_ARN, GROUP, ROLE_ARN, TICK_ARN } from "../aws/open-doorbell.ts";
import { createFunction, type FunctionOptions, type LambdaFunction } from "./lambda.ts";
import type { Packages } from "./package.ts";
import type { Stores } from "./stores.ts";

export const API_KEY = "the-key-of-the-test";

/** What a test has otherwise than it is deployed. */
export interface DeploymentOptions {
  /** Settings of the deployer. */
  env?: Record<string, string>;
  /** What the handlers that ship keep secret. */
  handlers?: { smtpUrl: string; webhookSecrets: string };
  /** Of the function tick. */
  tick?: Partial<Pick<FunctionOptions, "timeoutMs" | "extension" | "retryDelaysMs" | "maxConcurrency">>;
  /** Of the function migrate. */
  migrate?: Pick<FunctionOptions, "timeoutMs">;
}

export interface DeploymentParts {
  packages: Packages;
  stores: Pick<Stores, "databaseUrl" | "redis" | "env">;
  /** Where Lambda and EventBridge Scheduler are. */
  awsUrl: string;
}

const MINUTE_MS = 60_000;
const TIMEOUTS_MS: Record<FunctionName, number> = {
  tick: 15 * MINUTE_MS,
  refresh: 2 * MINUTE_MS,
  api: 29_000,
  migrate: 5 * MINUTE_MS,
};

/** What the functions that serve are given, and settings of a deployer beside it. */
const SERVING_ENV = {
  TICK_ARN,
  SCHEDULE_GROUP: GROUP,
  SCHEDULE_ROLE_ARN: ROLE_ARN,
  DEAD_LETTER_ARN,
  TASK_LIST_REFRESH_INTERVAL: "600",
  DATA_DIR: "/tmp/tickwork",
  HTTP_REQUEST_ALLOW: "127.0.0.0/8",
};

export async function deploy(
  name: FunctionName,
  parts: DeploymentParts,
  { env = {}, handlers, tick = {}, migrate = { timeoutMs: TIMEOUTS_MS.migrate } }: DeploymentOptions,
): Promise<LambdaFunction> {
  const { packages, stores, awsUrl } = parts;
  const folder = packages.folder(name);
  return createFunction({
    command: packages.command,
    cwd: folder,
    functionArn: TICK_ARN.replace(/tick$/, name),
    timeoutMs: TIMEOUTS_MS[name],
    extension: false,
    ...(name === "tick" && tick),
    ...(name === "migrate" && migrate),
    env: {
      ...runtimeEnv(name, folder),
      // The SDK's own way to another place than AWS.
      AWS_ENDPOINT_URL_LAMBDA: awsUrl,
      AWS_ENDPOINT_URL_SCHEDULER: awsUrl,
      ...stores.env,
      TICKWORK_SERVICE: "tickwork-test",
      ...(name === "migrate" ? { DEBUGGING: env.DEBUGGING ?? "" } : { ...SERVING_ENV, ...env }),
      ...(name === "tick" && handlers && { TICKWORK_HANDLERS: "linked" }),
      ...(await packages.link({
        ...linked(name, stores),
        ...(name === "tick" && handlers && { TickworkHandlers: handlers }),
      })),
    },
  });
}

/** What Lambda itself puts into the environment. */
function runtimeEnv(name: string, folder: string): Record<string, string> {
  const functionName = `tickwork-test-${name}`;
  return {
    PATH: process.env.PATH ?? "",
    TZ: ":UTC",
    ...AWS_ENV,
    AWS_DEFAULT_REGION: AWS_ENV.AWS_REGION,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "2026/11/24/[$LATEST]0123456789abcdef",
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: "bundle.handler",
    // Of every Node before 22, the SDK says on the console that it is old. Lambda has 24.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
}

function linked(
  name: FunctionName,
  { databaseUrl, redis }: DeploymentParts["stores"],
): Record<string, unknown> {
  const database = { TickworkDatabase: { url: databaseUrl } };
  if (name === "migrate") return database;
  const stores = { ...database, TickworkRedis: redis, TickworkEncryptionKeys: { value: "" } };
  return name === "api" ? { ...stores, TickworkApiKey: { value: API_KEY } } : stores;
}
