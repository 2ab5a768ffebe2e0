/**
 * `npm run cost`: what a month costs, by the number of tasks, as tables for docs/cost.md.
 *
 * Requests are those that test/core/numbers.test.ts counts, and commands those that test/core/redis-commands.test.ts
 * does: all that Redis runs, in a script or not, for Upstash bills each of them. What depends on the tasks themselves is
 * an assumption, and each is stated here once. Half of the tasks are due at once and half later; they arrive evenly, one
 * request each.
 */
import { pathToFileURL } from "node:url";
import { COMPARE_PAGE, LOOK_STEP_MS } from "../packages/core/limits.ts";

/** In US dollars, us-east-1, as published in November 2026. Prices change: check them before you decide. */
const PRICES = {
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
const FIXED_PLANS = [
  { dollars: 10, gb: 50 },
  { dollars: 20, gb: 100 },
  { dollars: 100, gb: 500 },
  { dollars: 200, gb: 1_000 },
];

/** What is free each month, indefinitely. Neon's and Upstash's are their free plans. */
const FREE = {
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

const MONTH_SECONDS = 30 * 24 * 60 * 60;
const HOUR_SECONDS = 60 * 60;
const MINUTES = MONTH_SECONDS / 60;

/** Assumptions, except where it says that something is counted. */
const WORK = {
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

const KB_PER_GB = 1e6;

/** At most: the metrics of packages/core/metrics.ts, and the alarms of infra/alarms.ts. */
const METRICS = 13;
const ALARMS = 9;

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

/** Commands of all refreshes of a month while nothing waits. */
const REFRESHES = (MONTH_SECONDS / WORK.refreshIntervalSeconds) * WORK.commandsPerRefresh;

/** What a month with this many tasks uses. */
export function useOf(tasks: number, cachedHours = WORK.cachedHours): Month {
  const refreshes = MONTH_SECONDS / WORK.refreshIntervalSeconds;
  const [now, later] = [tasks / 2, tasks / 2];
  // All tasks of a minute share one schedule: of 43,200 minutes, count those with at least one task.
  const schedules = MINUTES * (1 - Math.exp(-later / MINUTES));
  const busySlots = (tasks * WORK.taskSeconds) / MONTH_SECONDS;
  const busy = Math.min(1, busySlots);
  // Who meets a held flag has one more schedule made, for a look when it ends; those of one step are one.
  const looks = busy * Math.min(now + schedules, (MONTH_SECONDS * 1_000) / LOOK_STEP_MS);
  const rings = now + schedules + looks;
  // One tick sleeps at a time, so it cannot sleep for more seconds than the month has.
  const asleep = Math.min(schedules * WORK.sleepSeconds, MONTH_SECONDS * (1 - busy));
  const seconds =
    tasks * (WORK.apiSeconds + WORK.taskSeconds) +
    rings * WORK.lookSeconds +
    asleep +
    refreshes * WORK.refreshSeconds;
  // Postgres is queried when a task is created, when one that was due later runs, and at each refresh.
  const wakeUpsPerSecond = (tasks + later) / MONTH_SECONDS;
  const asleepBetween = 1 - WORK.neonIdleSeconds / WORK.refreshIntervalSeconds;
  const awake = 1 - asleepBetween * Math.exp(-wakeUpsPerSecond * WORK.neonIdleSeconds);
  const awakeHours = (awake * MONTH_SECONDS) / HOUR_SECONDS;
  const invocations = tasks + rings + refreshes;
  const cached = Math.min(WORK.cacheLimit, (later * cachedHours * HOUR_SECONDS) / MONTH_SECONDS);
  const pages = 1 + Math.floor(cached / COMPARE_PAGE);
  const free = 1 - busy;
  const redisRequests =
    tasks + rings * busy + free * (now * 2 + schedules * 3) + free * looks + refreshes * (2 + pages);
  return {
    apiRequests: tasks,
    invocations,
    gbSeconds: seconds * WORK.memoryGb,
    schedules: schedules + looks + refreshes,
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
      refreshes * (WORK.commandsPerRefresh + (pages - 1) * WORK.commandsPerPage),
    redisGb:
      (redisRequests * WORK.redisKbPerRequest +
        tasks * WORK.redisKbPerRow +
        refreshes * cached * WORK.redisKbPerTime) /
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

/** The tables of docs/cost.md. */
export function costTables(): string {
  const columns = [0, 10_000, 1_000_000, 100_000_000];
  const months = columns.map((tasks) => useOf(tasks));
  const table = (head: string[], rows: (readonly [string, string, (month: Month) => string])[]) =>
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
      ["**at list prices**", "", (month) => `**${dollars(total(billOf(month)))}**`],
      ["**less free allowances**", "", (month) => `**${dollars(total(billOf(month, FREE)))}**`],
    ],
  );
  const waits = [0.25, 1, 4];
  const refreshed = [
    [
      "commands of all refreshes, by how long tasks wait in the cache",
      ...columns.map((tasks) => `${count(tasks)} tasks`),
    ],
    ["---", ...columns.map(() => "---:")],
    ...waits.map((hours) => [
      hours < 1 ? `${hours * 60} minutes` : `${hours} h`,
      ...columns.map((tasks) =>
        count(useOf(tasks, hours).redisCommands - useOf(tasks, 0).redisCommands + REFRESHES),
      ),
    ]),
  ];
  const plain = refreshed.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const even = `A fixed plan of Upstash costs less from ${count(breakEven())} tasks a month on.`;
  return `${used}\n\n${plain}\n\n${paid}\n\n${even}`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) console.log(costTables());
