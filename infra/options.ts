/** What an app says to Tickwork, and what it gets. */

/** Any Postgres: one at Neon is asked over HTTP, any other over a connection with TLS. */
export interface DatabaseAddress {
  /** `postgres://user:password@host/database`. `sslmode` in its query says what else than `verify-full` it is. */
  url: $util.Input<string>;
}

/** Any Redis: one at Upstash is asked over HTTP, any other over a connection. */
export interface RedisAddress {
  /** Upstash's `https://…`; of any other, `rediss://…`, or `redis://…` without TLS. */
  url: $util.Input<string>;
  /** Upstash's REST token. Any other has its password in the address. */
  token?: $util.Input<string> | undefined;
}

/** What an app's tasks need in addition to what Tickwork gives them. */
export interface TickOptions extends Pick<sst.aws.FunctionArgs, "memory" | "storage" | "vpc"> {
  environment?: Record<string, $util.Input<string>>;
  permissions?: sst.aws.FunctionPermissionArgs[];
  /** What their code reads through SST's `Resource`. */
  link?: unknown[];
}

export interface TickworkOptions {
  /**
   * The module that exports the task definitions, by name or as the list `definitions`; relative to the folder of
   * sst.config.ts. To include the types that ship with Tickwork, add those of `tickwork/tasks` to the list.
   */
  tasks: string;
  /** Default: the secret `DatabaseUrl`. */
  database?: DatabaseAddress;
  /** Default: the secrets `RedisUrl` and, for Upstash, `RedisToken`. Not needed with `CACHE_ENABLED=false`. */
  redis?: RedisAddress;
  /** The key that callers of the API send. Default: the secret `TickworkApiKey`, or a random key if that is not set. */
  apiKey?: $util.Input<string>;
  /**
   * The VPC of all functions, for databases that are in it or that admit only its address. It needs a way to Lambda and
   * EventBridge Scheduler: a NAT gateway, or an interface endpoint for each. Default: none.
   */
  vpc?: sst.aws.FunctionArgs["vpc"];
  /** `SMTP_URL` of `email_batch`, such as `new sst.Secret("SmtpUrl").value`. Default: none. */
  smtpUrl?: $util.Input<string>;
  /** `WEBHOOK_SECRETS` of `http_request`. Default: none. */
  webhookSecrets?: $util.Input<string>;
  /** What your tasks need: memory, links, permissions. */
  tick?: TickOptions;
  /** The address that gets a mail for each alarm. Default: `ALARM_EMAIL` in the deployer's environment. */
  alarmEmail?: string | undefined;
}

/** What was added to the app. */
export interface TickworkNodes {
  /** `api.url` is its address. A function that links it reads `Resource.TickworkHttp.url`. */
  api: sst.aws.ApiGatewayV2;
  /** A function that links it reads `Resource.TickworkApiKey.value`. */
  apiKey: sst.Secret | sst.Linkable<{ value: $util.Output<string> }>;
  /** The name of the group of the schedules. */
  scheduleGroup: $util.Output<string>;
  /** The functions and the queue. */
  nodes: {
    tick: sst.aws.Function;
    refresh: sst.aws.Function;
    api: sst.aws.Function;
    deadLetters: aws.sqs.Queue;
  };
}
