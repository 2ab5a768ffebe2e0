/**
 * The numbers behind `npm run simulate:scale`: limits as published in November 2026, for us-east-1 and for an account
 * that has raised none of them, and how long things take. Those are assumptions, unless it says where they are
 * measured.
 */

export const LIMITS = {
  /** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: executions at a time, all functions. */
  lambdaExecutions: 1_000,
  /** https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html, a second. */
  schedulesCreatedPerSecond: 5_000,
  schedulerInvocationsPerSecond: 1_000,
  /** What infra/api.ts lets through, a second. */
  apiRequestsPerSecond: 50,
  /** https://neon.com/docs/connect/connection-pooling: statements at a time, for one unit of compute. */
  neonConnectionsPerCu: 419,
  neonPooledShare: 0.9,
  /** https://upstash.com/docs/redis/overall/billing, a second, and in one request. */
  redisCommandsPerSecond: 10_000,
  redisRequestMb: 10,
};

export const TIMES = {
  /** Lambda's way to a function that is warm, and to one that is not: `npm run bench:cold` has the second part. */
  invokeMs: 50,
  coldStartMs: 400,
  /** There and back, from Lambda to Neon in the same region, over HTTP. */
  neonMs: 5,
  /**
   * One core of Postgres for a task: a settle that claims the next one; in batch mode, the task's part of a statement
   * for a hundred. `npm run bench:scale` measures the first.
   */
  settleCoreMs: 0.5,
  batchedCoreMs: 0.08,
  /** Tasks that one statement of batch mode leases and settles. */
  batch: 100,
  /** A tick ends after as long, and rings for the next one. */
  tickMs: 780_000,
};

/** Cores of Postgres for one unit of compute. */
export const CORES_PER_CU = 1;
