/** What is measured, and how. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Arena, Contestant } from "./arena.ts";
import type { Contender } from "./contenders.ts";

/** By column of the table. */
export type Values = Record<string, number>;

export interface Extent {
  /** Whether growth goes to a million, and idling takes a minute. */
  whole: boolean;
}

export interface Measure {
  title: string;
  /** Whether a slower network changes it. */
  overDelays: boolean;
  /** Handlers return what they get. */
  results?: boolean;
  /** Statements and commands are counted, so everything goes through a proxy. */
  counted?: boolean;
  /** What one run takes, about: for telling how long all will. */
  seconds(contender: Contender, extent: Extent): number;
  /** One run of one contender. */
  run(enter: Enter, contender: Contender, extent: Extent): Promise<Values>;
}

/** Opens an arena for as long as it is used. */
export type Enter = <Result>(use: (arena: Arena) => Promise<Result>) => Promise<Result>;

const DRAINED = 10_000;
const DRAIN = { warmUp: 1_000, warmUpMs: 500, limitMs: 4_000 };
const CREATE_MS = 2_000;
const LATENCIES = 60;
const LATENCY_LIMIT_MS = 20_000;
/** What is late at first is the compiler's doing. */
const LATENCY_WARM_UP = 0.1;
const SETTLED_MS = 6_000;
const FEW = 1_000;
/** Creates this many in a second at least, for telling how long it takes. */
const FILLED_PER_SECOND = 8_000;
const HOUR_MS = 3_600_000;

const manyOf = ({ whole }: Extent) => (whole ? 1_000_000 : 100_000);
const idleMsOf = ({ whole }: Extent) => (whole ? 60_000 : 20_000);

export const MEASURES: Readonly<Record<string, Measure>> = {
  drain: {
    title: "tasks a second, all waiting",
    overDelays: true,
    seconds: () => 8,
    run: (enter) => enter((arena) => drain(arena, 0, false)),
  },
  "drain-1k": {
    title: "tasks a second, with 1 KB in and 1 KB out",
    overDelays: true,
    results: true,
    seconds: () => 8,
    run: (enter) => enter((arena) => drain(arena, 0, true)),
  },
  create: {
    title: "created a second, one by one by ten callers",
    overDelays: true,
    seconds: () => 5,
    run: (enter) => enter((arena) => create(arena, 10, 1)),
  },
  bulk: {
    title: "created a second, 500 a call",
    overDelays: true,
    seconds: () => 5,
    run: (enter) => enter((arena) => create(arena, 1, 500)),
  },
  later: {
    title: "ms from its due time to its start, due later",
    overDelays: true,
    seconds: (contender) => 6 + latencySeconds(contender),
    run: (enter, contender) => enter((arena) => latency(arena, contender, "later")),
  },
  soon: {
    title: "ms from its creation to its start, due at once",
    overDelays: true,
    seconds: (contender) => 6 + latencySeconds(contender),
    run: (enter, contender) => enter((arena) => latency(arena, contender, "soon")),
  },
  idle: {
    title: "statements and commands an hour, nothing to do",
    overDelays: false,
    counted: true,
    seconds: (_, extent) => (SETTLED_MS + idleMsOf(extent)) / 1000 + 3,
    run: (enter, _, extent) => enter((arena) => idle(arena, idleMsOf(extent))),
  },
  growth: {
    title: "how much of its speed is left",
    overDelays: false,
    seconds: (_, extent) => 16 + manyOf(extent) / FILLED_PER_SECOND,
    async run(enter, _, extent) {
      const few = await enter((arena) => drain(arena, FEW, false));
      const many = await enter((arena) => drain(arena, manyOf(extent), false));
      return { left: many.perSecond / few.perSecond, waiting: manyOf(extent) };
    },
  },
};

const latencyCount = ({ eachMs }: Contender) => Math.min(LATENCIES, Math.round(LATENCY_LIMIT_MS / eachMs));
const latencySeconds = (contender: Contender) => (latencyCount(contender) * contender.eachMs) / 1000;

/** @param behind how many tasks wait behind those that are counted */
async function drain(arena: Arena, behind: number, withText: boolean) {
  const creator = arena.start();
  await creator.ask("fill", { count: DRAINED + behind, withText });
  await creator.end();
  await arena.vacuum();
  const drained = await arena.start().ask("drain", { count: DRAINED, ...DRAIN });
  return { ...drained };
}

async function create(arena: Arena, callers: number, size: number): Promise<Values> {
  return { perSecond: await arena.start().ask("create", { callers, size, limitMs: CREATE_MS }) };
}

async function latency(arena: Arena, contender: Contender, when: "later" | "soon"): Promise<Values> {
  const worker = arena.start();
  await worker.ask("listen", undefined);
  const count = latencyCount(contender);
  await arena.start().ask(when, { count, eachMs: contender.eachMs });
  const lateMs = await whenComplete(worker, count);
  const counted = lateMs.slice(Math.floor(count * LATENCY_WARM_UP)).sort((a, b) => a - b);
  const percentile = (part: number) =>
    counted[Math.min(counted.length - 1, Math.floor(counted.length * part))];
  return { p50: percentile(0.5) ?? Number.NaN, p99: percentile(0.99) ?? Number.NaN };
}

/** All were started, or have had their time. */
async function whenComplete(worker: Contestant, count: number): Promise<number[]> {
  for (let waitedMs = 0; ; waitedMs += 200) {
    const lateMs = await worker.ask("lateness", undefined);
    if (lateMs.length === count) return lateMs;
    if (waitedMs > LATENCY_LIMIT_MS) throw new Error(`${lateMs.length} of ${count} tasks were started.`);
    await sleep(200);
  }
}

async function idle(arena: Arena, windowMs: number): Promise<Values> {
  const worker = arena.start();
  await worker.ask("listen", undefined);
  await sleep(SETTLED_MS);
  const before = arena.counts();
  await sleep(windowMs);
  const after = arena.counts();
  const everySeconds = await worker.ask("regularly", undefined);
  // The monitor tells of commands a little later.
  await sleep(200);
  const regular = arena.counts();
  const anHour = (name: "statements" | "commands") =>
    (after[name] - before[name]) * (HOUR_MS / windowMs) +
    (everySeconds > 0 ? (regular[name] - after[name]) * (HOUR_MS / 1000 / everySeconds) : 0);
  return { postgres: anHour("statements"), redis: anHour("commands") };
}
