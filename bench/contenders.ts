/** Who is measured, and with which settings. */
import type { Form } from "./contender.ts";

export interface Contender {
  /** `graphile-worker:tuned` */
  key: string;
  name: string;
  form: Form;
  /** The folder of its adapter, where its packages are found. */
  folder: "adapters" | "peers";
  title: string;
  /** What differs from the defaults, and what is good to know. */
  settings: string;
  /** Tasks that run at a time. */
  atATime: number;
  /** Where its tasks are safe: in Postgres, or in Redis. */
  store: "Postgres" | "Redis";
  /** The mean distance of tasks whose lateness is measured, so that none waits for the one before it. */
  eachMs: number;
  /** What follows from its schedule and takes too long to wait for, by column. */
  stated?: Record<string, number>;
}

const EACH_MS = 200;

/** A task each five minutes: a due time falls anywhere between two of them. */
const EVERY_FIVE_MINUTES = {
  "drain.perSecond": 1 / 300,
  "drain-1k.perSecond": 1 / 300,
  "later.p50": 150_000,
  "later.p99": 297_000,
  "soon.p50": 150_000,
  "soon.p99": 297_000,
};

export const CONTENDERS: readonly Contender[] = [
  {
    ...of("tickwork", "default", "adapters"),
    title: "Tickwork, strict",
    settings: "defaults: each task is durably running before its handler, and settled before the next",
  },
  {
    ...of("tickwork", "tuned", "adapters"),
    title: "Tickwork, batch",
    settings: "`batch: true`: many are leased and settled together, and run one at a time",
  },
  {
    ...of("graphile-worker", "default", "peers"),
    title: "graphile-worker",
    settings: "defaults; keeps no results, deletes what is done",
  },
  {
    ...of("graphile-worker", "tuned", "peers"),
    title: "graphile-worker, tuned",
    settings:
      "`concurrentJobs: 24, maxPoolSize: 25, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0`, as on its page on performance",
    atATime: 24,
  },
  {
    ...of("pg-boss", "default", "peers"),
    title: "pg-boss",
    settings: "defaults: a job every two seconds",
    eachMs: 4_000,
  },
  {
    ...of("pg-boss", "tuned", "peers"),
    title: "pg-boss, tuned",
    settings:
      "`batchSize: 500, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, useListenNotify: true, notify: true, notifyPollingIntervalSeconds: 0.5`; with results `perJobResults: true`",
  },
  {
    ...of("bullmq", "default", "peers"),
    title: "BullMQ",
    settings: "defaults, on Redis; what Redis has not saved is lost when it dies",
    store: "Redis",
  },
  {
    ...of("bullmq", "tuned", "peers"),
    title: "BullMQ, tuned",
    settings: "`concurrency: 50`, as in its documentation's example",
    atATime: 50,
    store: "Redis",
  },
  {
    ...of("mission", "default", "adapters"),
    title: "Baasix's example",
    settings: "the schedule extension in Baasix's documentation: every five minutes, one task",
    stated: EVERY_FIVE_MINUTES,
  },
  {
    ...of("mission", "tuned", "adapters"),
    title: "Baasix's example, tuned",
    settings: "the same, again at once while there are tasks, and every second when there is none",
    eachMs: 2_000,
  },
];

function of(name: string, form: Form, folder: Contender["folder"]) {
  return {
    key: `${name}:${form}`,
    name,
    form,
    folder,
    atATime: 1,
    store: "Postgres" as const,
    eachMs: EACH_MS,
  };
}
