/** What an app says to Tickwork, and what it gets. */

/** A Postgres that is reached over Neon's protocol. */
export interface DatabaseAddress {
  url: $util.Input<string>;
}

/** A Redis that is reached over Upstash's protocol. */
export interface RedisAddress {
  url: $util.Input<string>;
  token: $util.Input<string>;
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
  /** Default: the secrets `RedisUrl` and `RedisToken`. Not needed with `CACHE_ENABLED=false`. */
  redis?: RedisAddress;
  /** The key that callers of the API send. Default: the secret `TickworkApiKey`, or a random key if that is not set. */
  apiKey?: $util.Input<string>;
  /**
   * The VPC of all functions, for example to reach the databases from an address that they know. It needs a way out, such
   * as a NAT gateway: Tickwork calls the databases, Lambda and EventBridge Scheduler. Default: none.
   */
  vpc?: sst.aws.FunctionArgs["vpc"];
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
