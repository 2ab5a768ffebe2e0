/**
 * `npm run simulate:scale`: a million tasks an hour on AWS, Neon and Upstash, as tables for docs/scale.md: how late they
 * begin, and what a month of such hours costs. The limits and times are in `scale-numbers.ts`, the prices in
 * `cost-numbers.ts`.
 */
import { pathToFileURL } from "node:url";
import { CACHED_ROW_LIMIT_BYTES, PUT_CHUNK } from "../packages/core/limits.ts";
import { seeded } from "../packages/testing/seeded.ts";
import { FIXED_PLANS, HOUR_SECONDS, MONTH_SECONDS, PRICES, WORK } from "./cost-numbers.ts";
import { type Load, type Machine, type Run, run } from "./scale-model.ts";
import { CORES_PER_CU, LIMITS } from "./scale-numbers.ts";

const TASKS = 1_000_000;
const HOUR_MS = HOUR_SECONDS * 1_000;
const MINUTE_MS = 60_000;
/** Tasks in one request to the API. */
const POSTED = 100;
const RETENTION_DAYS = 7;
const CACHE_LIMIT = 100_000;

type Arrival = "evenly" | "each minute" | "at once";

/** Half of the tasks are due when they are posted. */
function loadOf(arrival: Arrival): Load {
  const random = seeded(1);
  const postedMs = (n: number) => (Math.floor(n / POSTED) * POSTED * HOUR_MS) / TASKS;
  const due = Float64Array.from({ length: TASKS }, (_, n) => {
    if (arrival === "at once") return 0;
    if (n % 2 === 0) return postedMs(n);
    const later = random() * HOUR_MS;
    return arrival === "evenly" ? later : Math.floor(later / MINUTE_MS) * MINUTE_MS;
  });
  const posts = arrival === "at once" ? 1 : TASKS / POSTED;
  return { dueMs: due.sort(), ringsMs: Array.from({ length: posts }, (_, n) => postedMs(n * POSTED)) };
}

interface Row extends Machine {
  name: string;
  arrival: Arrival;
  cu: number;
}

const STRICT = { batch: false, cu: 1, cores: CORES_PER_CU };
const BATCH = { batch: true, cu: 1, cores: CORES_PER_CU };

const ROWS: Row[] = [
  { name: "strict, 20 ms", arrival: "evenly", handlerMs: 20, slots: 10, ...STRICT },
  { name: "strict, 100 ms", arrival: "evenly", handlerMs: 100, slots: 35, ...STRICT },
  { name: "strict, 1 s", arrival: "evenly", handlerMs: 1_000, slots: 320, ...STRICT },
  { name: "batch, 5 ms", arrival: "evenly", handlerMs: 5, slots: 2, ...BATCH },
  { name: "strict, 100 ms", arrival: "each minute", handlerMs: 100, slots: 35, ...STRICT },
  { name: "strict, 100 ms", arrival: "each minute", handlerMs: 100, slots: 150, ...STRICT },
  { name: "batch, 5 ms", arrival: "each minute", handlerMs: 5, slots: 4, ...BATCH },
  { name: "strict, 100 ms", arrival: "at once", handlerMs: 100, slots: 150, ...STRICT },
  {
    name: "strict, 100 ms",
    arrival: "at once",
    handlerMs: 100,
    slots: 900,
    cu: 8,
    cores: 8 * CORES_PER_CU,
    batch: false,
  },
  { name: "batch, 5 ms", arrival: "at once", handlerMs: 5, slots: 16, ...BATCH },
];

/** Redis commands of a month of such hours. */
function commandsOf({ invocations }: Run): number {
  const hours = MONTH_SECONDS / HOUR_SECONDS;
  return (
    hours *
      ((TASKS / POSTED) * 2 * WORK.commandsPerPost +
        invocations * WORK.commandsPerTick +
        TASKS * WORK.commandsPerTask) +
    (MONTH_SECONDS / WORK.refreshIntervalSeconds) * (60 + CACHE_LIMIT / 10)
  );
}

/** What a month of such hours costs, in US dollars. */
export function billOf({ cu }: Row, result: Run) {
  const { invocations, tickMs } = result;
  const hours = MONTH_SECONDS / HOUR_SECONDS;
  const tasks = TASKS * hours;
  const posts = tasks / POSTED;
  const ticks = invocations * hours;
  const refreshes = MONTH_SECONDS / WORK.refreshIntervalSeconds;
  const seconds = (tickMs / 1_000) * hours + posts * WORK.apiSeconds + refreshes * 10;
  const requests = posts + ticks * 2 + tasks / 250;
  const redisGb =
    (requests * WORK.redisKbPerRequest +
      (tasks / 2) * WORK.redisKbPerRow +
      refreshes * CACHE_LIMIT * WORK.redisKbPerTime) /
    1e6;
  const byCommand =
    commandsOf(result) * PRICES.redisCommand + Math.max(0, redisGb - PRICES.redisGbIncluded) * PRICES.redisGb;
  const plan = FIXED_PLANS.find(({ gb }) => redisGb <= gb)?.dollars ?? Number.POSITIVE_INFINITY;
  const logGb = ((ticks + posts + refreshes) * WORK.logKbPerInvocation + tasks * WORK.logKbPerTask) / 1e6;
  return {
    lambda:
      seconds * WORK.memoryGb * PRICES.lambdaGbSecond + (ticks + posts + refreshes) * PRICES.lambdaInvocation,
    api: posts * PRICES.apiRequest,
    neon: cu * hours * PRICES.neonCuHour,
    rows: ((tasks * RETENTION_DAYS) / 30) * (WORK.rowKb / 1e6) * PRICES.neonGbMonth,
    upstash: Math.min(byCommand, plan),
    logs: logGb * PRICES.logGb,
  };
}

const duration = (ms: number) =>
  ms < 1_000
    ? `${Math.round(ms)} ms`
    : ms < 2 * MINUTE_MS
      ? `${(ms / 1_000).toFixed(1)} s`
      : `${Math.round(ms / MINUTE_MS)} min`;
const dollars = (value: number) => value.toFixed(0);
const table = (rows: string[][]) => rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The tables of docs/scale.md. */
export function scaleTables(): string {
  const loads = new Map<Arrival, Load>();
  const runs = ROWS.map((row) => {
    const load = loads.get(row.arrival) ?? loadOf(row.arrival);
    loads.set(row.arrival, load);
    return { row, result: run(load, row) };
  });
  const late = table([
    [
      "mode, handler",
      "due",
      "slots",
      "CU",
      "late: median",
      "99 of 100",
      "the latest",
      "all done after",
      "Postgres busy",
    ],
    ["---", "---", ...Array.from({ length: 7 }, () => "---:")],
    ...runs.map(({ row, result }) => {
      const { latenessMs } = result;
      const at = (part: number) => duration(latenessMs[Math.floor((latenessMs.length - 1) * part)] ?? 0);
      const busy = result.coreMs / (Math.max(HOUR_MS, result.endMs) * row.cores);
      return [
        row.name,
        row.arrival,
        String(row.slots),
        String(row.cu),
        at(0.5),
        at(0.99),
        at(1),
        duration(result.endMs),
        `${Math.round(busy * 100)} %`,
      ];
    }),
  ]);
  const bills = runs
    .filter(({ row }) => row.arrival === "evenly")
    .map(({ row, result }) => ({ row, bill: billOf(row, result) }));
  const part = (name: string, key: keyof ReturnType<typeof billOf>) => [
    name,
    ...bills.map(({ bill }) => dollars(bill[key])),
  ];
  const cost = table([
    ["US dollars a month", ...bills.map(({ row }) => row.name)],
    ["---", ...bills.map(() => "---:")],
    part("Lambda", "lambda"),
    part("API Gateway", "api"),
    part("Neon, compute", "neon"),
    part(`Neon, rows of ${RETENTION_DAYS} days`, "rows"),
    part("Upstash, the better plan", "upstash"),
    part("CloudWatch, logs", "logs"),
    [
      "**together**",
      ...bills.map(({ bill }) => `**${dollars(Object.values(bill).reduce((sum, one) => sum + one, 0))}**`),
    ],
  ]);
  const even = runs.filter(({ row }) => row.arrival === "evenly");
  const share = (used: number, limit: number) =>
    `${used < 10 ? used.toFixed(used < 1 ? 2 : 1) : Math.round(used).toLocaleString("en-US")} of ${Math.round(limit).toLocaleString("en-US")}`;
  const seconds = HOUR_SECONDS;
  const limits = table([
    ["used, of the limit", ...even.map(({ row }) => row.name)],
    ["---", ...even.map(() => "---:")],
    [
      "requests to the API, a second",
      ...even.map(() => share(TASKS / POSTED / seconds, LIMITS.apiRequestsPerSecond)),
    ],
    [
      "executions of Lambda at a time",
      ...even.map(({ result }) => share(result.peakSlots + 2, LIMITS.lambdaExecutions)),
    ],
    // All tasks of a minute share a schedule.
    ["schedules created, a second", ...even.map(() => share(60 / seconds, LIMITS.schedulesCreatedPerSecond))],
    ["schedules called, at once", ...even.map(() => share(2, LIMITS.schedulerInvocationsPerSecond))],
    [
      "statements of Neon at a time",
      ...even.map(({ row, result }) =>
        share(result.peakSlots + 2, row.cu * LIMITS.neonConnectionsPerCu * LIMITS.neonPooledShare),
      ),
    ],
    [
      "Redis commands, a second",
      ...even.map(({ result }) => share(commandsOf(result) / MONTH_SECONDS, LIMITS.redisCommandsPerSecond)),
    ],
    [
      "MB in a request to Redis, at most",
      ...even.map(() => share((PUT_CHUNK * CACHED_ROW_LIMIT_BYTES) / 1e6, LIMITS.redisRequestMb)),
    ],
  ]);
  return `${late}\n\n${cost}\n\n${limits}`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) console.log(scaleTables());
