/** The results as tables in Markdown. */
import { CONTENDERS, type Contender } from "./contenders.ts";
import { medianOf, type Results, ratioOf } from "./results.ts";

/** Milliseconds added to a round trip. */
export const DELAYS_MS = [0, 1, 5] as const;

interface Column {
  title: string;
  show(results: Results, contender: Contender): string;
}

const COLUMNS_OVER_DELAYS: Record<string, string> = {
  "drain.perSecond": "drain",
  "drain-1k.perSecond": "drain, 1 KB in and out",
  "create.perSecond": "create one by one",
  "bulk.perSecond": "create, 500 a call",
};

const EMPTY = "–";

/** Three digits, so that nobody takes noise for a difference. */
export function rounded(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return EMPTY;
  if (value === 0) return "0";
  const digits = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 2);
  return Number((Math.round(value / digits) * digits).toPrecision(3)).toLocaleString("en-US", {
    maximumFractionDigits: value < 0.01 ? 4 : 2,
  });
}

const times = (value: number | undefined) => (value === undefined ? EMPTY : `${value.toFixed(2)}×`);

function stated({ stated: numbers }: Contender, column: string): number | undefined {
  return numbers?.[column];
}

function at(results: Results, contender: Contender, column: string, delayMs = 0): number | undefined {
  return stated(contender, column) ?? medianOf(results, contender.key, column, delayMs);
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "--:"))), ...rows.map(line)].join(
    "\n",
  );
}

const present = (results: Results) =>
  CONTENDERS.filter(({ key }) => results.cells.some(({ contender }) => contender === key));

function tableOf(results: Results, columns: Column[]): string {
  const rows = present(results).map((contender) => [
    contender.title,
    ...columns.map(({ show }) => show(results, contender)),
  ]);
  return table(["", ...columns.map(({ title }) => title)], rows);
}

const pairOf = (name: string, first: string, second: string): Column => ({
  title: name,
  show: (results, contender) => {
    const [a, b] = [at(results, contender, first), at(results, contender, second)];
    return a === undefined ? EMPTY : `${rounded(a)} / ${rounded(b)}`;
  },
});

/** Rates at each delay, in one cell. */
function overDelays(column: string, title: string): Column {
  return {
    title,
    show: (results, contender) =>
      DELAYS_MS.map((delayMs) => rounded(at(results, contender, column, delayMs))).join(" / "),
  };
}

const IDLE = pairOf("idle hour: statements / commands", "idle.postgres", "idle.redis");
const LATER = pairOf("start, due later: p50 / p99 ms", "later.p50", "later.p99");
const SOON = pairOf("start, at once: p50 / p99 ms", "soon.p50", "soon.p99");
const RATES = Object.entries(COLUMNS_OVER_DELAYS).map(([column, title]) => overDelays(column, title));

/** Whose ratios are told: each form beside the one that works the same way. */
export const RATIOS: readonly (readonly [string, string])[] = [
  ["tickwork:default", "graphile-worker:default"],
  ["tickwork:tuned", "graphile-worker:tuned"],
];

function ratios(results: Results): string {
  const title = (key: string) => CONTENDERS.find((contender) => contender.key === key)?.title ?? key;
  const rows = RATIOS.filter((pair) =>
    pair.every((key) => present(results).some((one) => one.key === key)),
  ).map((pair) => [
    pair.map(title).join(" ÷ "),
    ...Object.keys(COLUMNS_OVER_DELAYS).map((column) =>
      DELAYS_MS.map((delayMs) => times(ratioOf(results, pair, column, delayMs))).join(" / "),
    ),
  ]);
  return table(["", ...Object.values(COLUMNS_OVER_DELAYS)], rows);
}

function growth(results: Results): Column {
  const waiting = results.cells.find(({ column }) => column === "growth.waiting")?.values[0];
  return {
    title: `speed left, ${waiting?.toLocaleString("en-US") ?? "many"} waiting`,
    show: (all, contender) => {
      const left = at(all, contender, "growth.left");
      return left === undefined ? EMPTY : `${Math.round(left * 100)} %`;
    },
  };
}

const MEMORY: Column = {
  title: "memory, MiB",
  show: (results, contender) => rounded(at(results, contender, "drain.memoryMib")),
};
const AT_A_TIME: Column = { title: "at a time", show: (_, { atATime }) => String(atATime) };

/** Everything, for the document on performance. */
export function fullTable(results: Results): string {
  const settings = present(results).map(
    ({ title, settings: text, name, atATime }) =>
      `- **${title}**${results.versions[name] ? ` ${results.versions[name]}` : ""}, ${atATime} at a time: ${text}.`,
  );
  return [
    `Measured on ${results.machine}. Tasks a second, with 0 / 1 / 5 ms added to each round trip:`,
    tableOf(results, [AT_A_TIME, ...RATES]),
    "The ratios of the same rounds:",
    ratios(results),
    "With nothing added:",
    tableOf(results, [LATER, SOON, IDLE, growth(results), MEMORY]),
    settings.join("\n"),
  ].join("\n\n");
}

/** The few columns that say most, for the README. */
export function shortTable(results: Results): string {
  const drain: Column = {
    title: "tasks a second",
    show: (all, contender) => rounded(at(all, contender, "drain.perSecond")),
  };
  const distant: Column = {
    title: "with 5 ms a round trip",
    show: (all, contender) => rounded(at(all, contender, "drain.perSecond", 5)),
  };
  return tableOf(results, [drain, distant, LATER, IDLE]);
}
