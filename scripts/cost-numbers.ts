/**
 * The numbers behind `npm run cost`. Requests are those that test/core/numbers.test.ts counts, and commands those that
 * test/core/redis-commands.test.ts does: all that Redis runs, in a script or not, for Upstash bills each of them. What
 * depends on the tasks themselves is an assumption, and each is stated here once.
 */

/** In US dollars, us-east-1, as published in November 2026. Prices change: check them before you decide. */
export const PRICES = {
  /** https://aws.amazon.com/lambda/pricing/, arm64 */
  lambdaInvocation: 0.2 / 1e6,
  lambdaGbSecond: 0.0000133334,
  /** https://aws.amazon.com/api-gateway/pricing/, HTTP APIs */
  apiRequest: 1 / 1e6,
  /** https://aws.amazon.com/eventbridge/pricing/, Scheduler */
  schedule: 1 / 1e6,
  /** https://aws.amazon.com/cloudwatch/pricing/ */
  logGb: 0.5,
  metric: 0.3,
  alarm: 0.1,
  /** https://neon.com/pricing, plan Launch */
  neonCuHour: 0.106,
  neonGbMonth: 0.35,
  /** https://upstash.com/pricing/redis, pay as you go; the first 200 GB are free */
  redisCommand: 0.2 / 1e5,
  redisGb: 0.03,
  redisGbIncluded: 200,
};

/** Upstash's fixed plans, by the bandwidth that they include: they bill no commands. */
export const FIXED_PLANS = [
  { dollars: 10, gb: 50 },
  { dollars: 20, gb: 100 },
  { dollars: 100, gb: 500 },
  { dollars: 200, gb: 1_000 },
];

/** What is free each month, indefinitely. Neon's and Upstash's are their free plans. */
export const FREE = {
  lambdaInvocations: 1e6,
  lambdaGbSeconds: 400_000,
  schedules: 14e6,
  logGb: 5,
  metrics: 10,
  alarms: 10,
  neonCuHours: 100,
  neonGb: 0.5,
  redisCommands: 500_000,
  redisGb: 10,
};

export const MONTH_SECONDS = 30 * 24 * 60 * 60;
export const DAY_SECONDS = 24 * 60 * 60;
export const HOUR_SECONDS = 60 * 60;

/** Assumptions, except where it says that something is counted. */
export const WORK = {
  memoryGb: 0.5,
  refreshIntervalSeconds: 600,
  refreshSeconds: 1,
  apiSeconds: 0.05,
  /** Your handler takes 100 ms; claiming and settling take one request to Postgres. */
  taskSeconds: 0.12,
  /** A tick that finds nothing due: one request to Redis. */
  lookSeconds: 0.02,
  /** A schedule comes up to two minutes early (packages/aws/doorbell.ts), on average one. */
  sleepSeconds: 60,
  /** Counted: to make a task; in a tick of one, which may sleep first; for each more that it runs, at most. */
  commandsPerPost: 7,
  commandsPerTick: 18,
  commandsPerSleepingTick: 25,
  commandsPerTask: 1 / 10,
  /** Counted: in a tick that meets held flags, and for each of these. */
  commandsPerLook: 5,
  commandsPerFlag: 1,
  /** Counted: of a refresh, and for each further page of what is cached. */
  commandsPerRefresh: 17,
  commandsPerPage: 6,
  /** Counted: of a refresh that goes by the cache alone. */
  commandsPerLookAtCache: 11,
  /** How long tasks that are due later wait in the cache: at most the four hours of its window. */
  cachedHours: 4,
  cacheLimit: 10_000,
  /** What a request to Redis takes there and back, a row of a task, and its time in a refresh. */
  redisKbPerRequest: 0.6,
  redisKbPerRow: 1,
  redisKbPerTime: 0.05,
  /** A row and its place in the indexes, kept for a month. */
  rowKb: 1.5,
  /** Lambda's own lines; then what the tick logs about a task, and the API and the gateway about its request. */
  logKbPerInvocation: 0.7,
  logKbPerTask: 1.2,
  /** Neon suspends after five minutes without a query. */
  neonIdleSeconds: 300,
};

/** At most: the metrics of packages/core/metrics.ts, and the alarms of infra/alarms.ts. */
export const METRICS = 13;
export const ALARMS = 9;
