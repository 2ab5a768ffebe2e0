/** The programs that the suites inspect, each evaluated once before they run. */

export interface Scenario {
  /** The app's folder, as it is or relative to the repository's. Default: the repository itself. */
  app?: string;
  /** The program, relative to the repository's folder. Default: the app's sst.config.ts. */
  config?: string;
  stage: string;
  /** The deployer's environment. */
  env?: Record<string, string>;
  /** The secrets set with `sst secret set`. */
  secrets?: Record<string, string>;
}

/** Recognisable values, so that a test can look for them where they must not be. */
export const SECRETS = {
  DatabaseUrl: "postgres://tasks:given@given.us-east-1.aws.neon.tech/tasks",
  RedisUrl: "https://given.upstash.example",
  RedisToken: "given-redis-token",
  TickworkApiKey: "given-api-key",
};

/** Neither Neon nor Upstash: there is no token. */
export const OWN_SERVERS = {
  DatabaseUrl: "postgres://tasks:given@db.example.com/tasks",
  RedisUrl: "rediss://default:given@cache.example.com:6380",
};

const IN_VPC = "test/support/infra/in-vpc.config.ts";

export const SCENARIOS = {
  dev: { stage: "dev" },
  production: { stage: "production" },
  "pr-7": { stage: "pr-7", secrets: SECRETS },
  /** Production on databases that are managed elsewhere. */
  given: { stage: "production", secrets: SECRETS },
  tuned: {
    stage: "dev",
    env: {
      TASK_LIST_REFRESH_INTERVAL: "90",
      TASK_SHUTDOWN_WAIT_TIME: "45",
      TASK_CONCURRENCY: "4",
      TASK_RUNNING_TTL: "30",
      TASK_CACHE_LIMIT: "500",
      TASK_MAX_CRASHES: "5",
      HTTP_REQUEST_ALLOW: "10.0.0.7",
      DEBUGGING: "true",
      ALARM_EMAIL: "operator@example.com",
      // They belong to something else and must not reach the functions.
      PORT: "8080",
      DATABASE_URL: "mysql://deployer:password@elsewhere.example/app",
    },
  },
  /** The handlers that ship, with all that they may need. */
  handlers: { stage: "dev", env: { EMAIL_SES: "true", EXPORT_TO: "s3://exports/daily" } },
  "every minute": { stage: "dev", env: { TASK_LIST_REFRESH_INTERVAL: "60" } },
  "every second": { stage: "dev", env: { TASK_LIST_REFRESH_INTERVAL: "1" } },
  "every four hours": { stage: "dev", env: { TASK_LIST_REFRESH_INTERVAL: "14400" } },
  "no cache": { stage: "dev", env: { CACHE_ENABLED: "false" } },
  /** The programs of an app with networks. */
  "all in a vpc": { config: IN_VPC, stage: "dev", secrets: SECRETS, env: { IN_VPC: "all" } },
  "tick in a vpc": { config: IN_VPC, stage: "dev", secrets: SECRETS, env: { IN_VPC: "tick" } },
  "tick in another vpc": { config: IN_VPC, stage: "dev", secrets: SECRETS, env: { IN_VPC: "all tick" } },
  /** Databases of AWS, which the app makes in its VPC. */
  "rds in a vpc": { config: "test/support/infra/rds-in-vpc.config.ts", stage: "dev" },
  /** Servers of one's own, given by secrets. */
  "own servers": { stage: "production", secrets: OWN_SERVERS },
  "own app": { app: "examples/own-app", stage: "dev", secrets: SECRETS },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
