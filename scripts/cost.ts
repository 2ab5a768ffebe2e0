/**
 * `npm run cost`: what a month costs, by the number of tasks, as tables for docs/cost.md. Half of the tasks are due at
 * once and half later; they arrive evenly, one request each. The other assumptions are in `cost-numbers.ts`.
 */
import { pathToFileURL } from "node:url";
import { COMPARE_PAGE, LOOK_STEP_MS } from "../packages/core/limits.ts";
import {
  ALARMS,
  DAY_SECONDS,
  FIXED_PLANS,
  FREE,
  HOUR_SECONDS,
  METRICS,
  MONTH_SECONDS,
  PRICES,
  WORK,
} from "./cost-numbers.ts";

const MINUTES = MONTH_SECONDS / 60;
const KB_PER_GB = 1e6;
const REFRESHES = MONTH_SECONDS / WORK.refreshIntervalSeconds;

export interface Month {
  apiRequests: number;
  invocations: number;
  gbSeconds: number;
  schedules: number;
  /** Slots that are busy on average: TASK_CONCURRENCY must be above it. */
  busySlots: number;
  awakeHours: number;
  cuHours: number;
  storageGb: number;
  /** Waiting tasks that are cached, on average. */
  cached: number;
  redisCommands: number;
  redisGb: number;
  logGb: number;
}

/** Pages of the cache that a refresh reads. */
const pagesOf = (cached: number) => 1 + Math.floor(cached / COMPARE_PAGE);

/** Commands of so many refreshes that read Postgres. */
const readCommands = (reads: number, cached: number) =>
  reads * (WORK.commandsPerRefresh + (pagesOf(cached) - 1) * WORK.commandsPerPage);

interface Choices {
  /** How long tasks wait in the cache. */
  cachedHours?: number;
  /** `TASK_MAX_UNSEEN_TIME`: refreshes read Postgres that often, and else go by the cache. */
  unseenSeconds?: number;
}

/** What a month with this many tasks uses. */
export function useOf(
  tasks: number,
  { cachedHours = WORK.cachedHours, unseenSeconds = WORK.refreshIntervalSeconds }: Choices = {},
): Month {
  const reads = MONTH_SECONDS / unseenSeconds;
  const looksAtCache = REFRESHES - reads;
  const [now, later] = [tasks / 2, tasks / 2];
  // All tasks of a minute share one schedule: of 43,200 minutes, count those with at least one task.
  const schedules = MINUTES * (1 - Math.exp(-later / MINUTES));
  const busySlots = (tasks * WORK.taskSeconds) / MONTH_SECONDS;
  const busy = Math.min(1, busySlots);
  // A tick that meets a held flag makes one more schedule, for a look when that ends; those of one step are one.
  const looks = busy * Math.min(now + schedules, (MONTH_SECONDS * 1_000) / LOOK_STEP_MS);
  const rings = now + schedules + looks;
  // One tick sleeps at a time, so it cannot sleep for more seconds than the month has.
  const asleep = Math.min(schedules * WORK.sleepSeconds, MONTH_SECONDS * (1 - busy));
  const seconds =
    tasks * (WORK.apiSeconds + WORK.taskSeconds) +
    rings * WORK.lookSeconds +
    asleep +
    REFRESHES * WORK.refreshSeconds;
  // Postgres is queried when a task is created, when one that was due later runs, and when a refresh reads it.
  const wakeUpsPerSecond = (tasks + later) / MONTH_SECONDS;
  const asleepBetween = 1 - WORK.neonIdleSeconds / unseenSeconds;
  const awake = 1 - asleepBetween * Math.exp(-wakeUpsPerSecond * WORK.neonIdleSeconds);
  const awakeHours = (awake * MONTH_SECONDS) / HOUR_SECONDS;
  const invocations = tasks + rings + REFRESHES;
  // The window reaches as much further ahead as Postgres may not be read, and one interval more.
  const furtherSeconds = looksAtCache > 0 ? unseenSeconds + WORK.refreshIntervalSeconds : 0;
  const cachedSeconds = cachedHours * HOUR_SECONDS + furtherSeconds;
  const cached = Math.min(WORK.cacheLimit, (later * cachedSeconds) / MONTH_SECONDS);
  const free = 1 - busy;
  const redisRequests =
    tasks +
    rings * busy +
    free * (now * 2 + schedules * 3) +
    free * looks +
    reads * (2 + pagesOf(cached)) +
    looksAtCache;
  return {
    apiRequests: tasks,
    invocations,
    gbSeconds: seconds * WORK.memoryGb,
    schedules: schedules + looks + REFRESHES,
    busySlots,
    awakeHours,
    // The smallest compute until work is steady, then the largest that the deployment allows.
    cuHours: awakeHours * (busySlots > 1 ? 1 : 0.25),
    storageGb: (tasks * WORK.rowKb) / KB_PER_GB,
    cached,
    redisCommands:
      tasks * (WORK.commandsPerPost + WORK.commandsPerTask) +
      free *
        (now * WORK.commandsPerTick +
          schedules * WORK.commandsPerSleepingTick +
          looks * WORK.commandsPerLook) +
      busy * rings * (WORK.commandsPerLook + Math.ceil(busySlots) * WORK.commandsPerFlag) +
      readCommands(reads, cached) +
      looksAtCache * WORK.commandsPerLookAtCache,
    redisGb:
      (redisRequests * WORK.redisKbPerRequest +
        tasks * WORK.redisKbPerRow +
        reads * cached * WORK.redisKbPerTime) /
      KB_PER_GB,
    logGb: (invocations * WORK.logKbPerInvocation + tasks * WORK.logKbPerTask) / KB_PER_GB,
  };
}

type Bill = Record<"lambda" | "apiGateway" | "scheduler" | "cloudWatch" | "neon" | "upstash", number>;

/** What that costs at list prices, less what is free if that is given. */
export function billOf(month: Month, free: Partial<typeof FREE> = {}): Bill {
  const beyond = (used: number, included = 0) => Math.max(0, used - included);
  return {
    lambda:
      beyond(month.invocations, free.lambdaInvocations) * PRICES.lambdaInvocation +
      beyond(month.gbSeconds, free.lambdaGbSeconds) * PRICES.lambdaGbSecond,
    apiGateway: month.apiRequests * PRICES.apiRequest,
    scheduler: beyond(month.schedules, free.schedules) * PRICES.schedule,
    cloudWatch:
      beyond(month.logGb, free.logGb) * PRICES.logGb +
      beyond(METRICS, free.metrics) * PRICES.metric +
      beyond(ALARMS, free.alarms) * PRICES.alarm,
    neon:
      beyond(month.cuHours, free.neonCuHours) * PRICES.neonCuHour +
      beyond(month.storageGb, free.neonGb) * PRICES.neonGbMonth,
    upstash: isFreeAtUpstash(month, free) ? 0 : Math.min(paidPerCommand(month), fixedPlan(month)),
  };
}

/** Upstash's free plan is one of its plans, no allowance on the others. */
const isFreeAtUpstash = (month: Month, { redisCommands = -1, redisGb = -1 }: Partial<typeof FREE>) =>
  month.redisCommands <= redisCommands && month.redisGb <= redisGb;

const paidPerCommand = ({ redisCommands, redisGb }: Month) =>
  redisCommands * PRICES.redisCommand + Math.max(0, redisGb - PRICES.redisGbIncluded) * PRICES.redisGb;

/** The smallest plan with enough bandwidth. */
const fixedPlan = ({ redisGb }: Month) =>
  FIXED_PLANS.find(({ gb }) => redisGb <= gb)?.dollars ?? Number.POSITIVE_INFINITY;

/** From how many tasks a month on the smallest fixed plan costs less than its commands. */
function breakEven(): number {
  let tasks = 1_000;
  while (paidPerCommand(useOf(tasks)) < fixedPlan(useOf(tasks))) tasks += 1_000;
  return tasks;
}

const total = (bill: Bill) => Object.values(bill).reduce((sum, dollars) => sum + dollars, 0);
const count = (value: number) => Math.round(value).toLocaleString("en-US");
const decimal = (value: number) => (value < 10 ? value.toFixed(1) : count(value));
const dollars = (value: number) => (value === 0 ? "0" : value < 0.01 ? "< 0.01" : value.toFixed(2));

const listed = (month: Month) => `**${dollars(total(billOf(month)))}**`;
const lessFree = (month: Month) => `**${dollars(total(billOf(month, FREE)))}**`;

/** The tables of docs/cost.md. */
export function costTables(): string {
  const columns = [0, 10_000, 1_000_000, 100_000_000];
  const months = columns.map((tasks) => useOf(tasks));
  const hours = (n: number) => n * HOUR_SECONDS;
  /** A row for the same month with another `TASK_MAX_UNSEEN_TIME`. */
  const reading = (unseenSeconds: number, cell: (month: Month) => string) => (_: Month, n: number) =>
    cell(useOf(columns[n] ?? 0, { unseenSeconds }));
  const awakeMinutes = ({ awakeHours }: Month) =>
    count((awakeHours * HOUR_SECONDS) / 60 / (MONTH_SECONDS / DAY_SECONDS));
  const table = (head: string[], rows: (readonly [string, string, (month: Month, n: number) => string])[]) =>
    [
      [...head, ...columns.map((tasks) => `${count(tasks)} tasks`)],
      ["---", "---", ...columns.map(() => "---:")],
      ...rows.map(([name, formula, cell]) => [name, formula, ...months.map(cell)]),
    ]
      .map((cells) => `| ${cells.join(" | ")} |`)
      .join("\n");
  const price = (name: string, formula: string, part: keyof Bill) =>
    [name, formula, (month: Month) => dollars(billOf(month)[part])] as const;

  const used = table(
    ["a month", "formula"],
    [
      ["requests to the API", "n", ({ apiRequests }) => count(apiRequests)],
      [
        "schedules that fire, s",
        "43,200 × (1 − e^(−n/2 ÷ 43,200)) + looks + 4,320",
        ({ schedules }) => count(schedules),
      ],
      ["invocations", "n + n/2 + s", ({ invocations }) => count(invocations)],
      ["GB-seconds", "0.5 × (n × 0.17 + rings × 0.02 + sleep + 4,320)", ({ gbSeconds }) => count(gbSeconds)],
      ["slots in use", "n × 0.12 ÷ 2,592,000", ({ busySlots }) => busySlots.toFixed(3)],
      ["Neon: hours awake", "720 × (1 − ½ × e^(−1.5 n ÷ 8,640))", ({ awakeHours }) => count(awakeHours)],
      [
        "Neon: minutes awake a day",
        "1,440 × (1 − (1 − 300 ÷ r) × e^(−1.5 n ÷ 8,640)), Postgres being read every r = 600 s",
        awakeMinutes,
      ],
      ["with `TASK_MAX_UNSEEN_TIME=3600`", "r = 3,600", reading(hours(1), awakeMinutes)],
      ["with `TASK_MAX_UNSEEN_TIME=14400`", "r = 14,400", reading(hours(4), awakeMinutes)],
      ["Neon: CU-hours", "hours × 0.25 (× 1 above one slot)", ({ cuHours }) => count(cuHours)],
      ["Neon: GB", "n × 1.5 kB", ({ storageGb }) => decimal(storageGb)],
      ["Redis: tasks in the cache", "n/2 × 4 ÷ 720, at most 10,000", ({ cached }) => count(cached)],
      [
        "Redis commands",
        "n × 7.1 + n/2 × 18 + schedules × 25 (rings × 5 and one a slot when held) + 4,320 × (17 + 6 for each 2,500 in the cache)",
        ({ redisCommands }) => count(redisCommands),
      ],
      [
        "Redis: GB sent",
        "requests × 0.6 kB + n × 1 kB + 4,320 × cached × 0.05 kB",
        ({ redisGb }) => decimal(redisGb),
      ],
      ["logs, GB", "invocations × 0.7 kB + n × 1.2 kB", ({ logGb }) => decimal(logGb)],
    ],
  );
  const paid = table(
    ["US dollars", "price"],
    [
      price("Lambda", "0.20 a million, 0.0000133334 a GB-second", "lambda"),
      price("API Gateway", "1.00 a million", "apiGateway"),
      price("Scheduler", "1.00 a million", "scheduler"),
      price("CloudWatch", `0.50 a GB, ${METRICS} metrics at 0.30, ${ALARMS} alarms at 0.10`, "cloudWatch"),
      price("Neon", "0.106 a CU-hour, 0.35 a GB", "neon"),
      [
        "Upstash by command",
        "0.20 per 100,000, 0.03 a GB above 200",
        (month) => dollars(paidPerCommand(month)),
      ],
      [
        "Upstash at a fixed price",
        "10 up to 50 GB, 20 up to 100, 100 up to 500",
        (month) => dollars(fixedPlan(month)),
      ],
      price("Upstash, the better one", "", "upstash"),
      ["**at list prices**", "", listed],
      ["**less free allowances**", "", lessFree],
      ["**at list prices, `TASK_MAX_UNSEEN_TIME=3600`**", "", reading(hours(1), listed)],
      ["**at list prices, `TASK_MAX_UNSEEN_TIME=14400`**", "", reading(hours(4), listed)],
      ["**less free allowances, `TASK_MAX_UNSEEN_TIME=14400`**", "", reading(hours(4), lessFree)],
    ],
  );
  const waits = [0.25, 1, 4];
  const refreshed = [
    [
      "commands of all refreshes, by how long tasks wait in the cache",
      ...columns.map((tasks) => `${count(tasks)} tasks`),
    ],
    ["---", ...columns.map(() => "---:")],
    ...waits.map((cachedHours) => [
      cachedHours < 1 ? `${cachedHours * 60} minutes` : `${cachedHours} h`,
      ...columns.map((tasks) => count(readCommands(REFRESHES, useOf(tasks, { cachedHours }).cached))),
    ]),
  ];
  const plain = refreshed.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const even = `A fixed plan of Upstash costs less from ${count(breakEven())} tasks a month on.`;
  return `${used}\n\n${plain}\n\n${paid}\n\n${even}`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) console.log(costTables());
