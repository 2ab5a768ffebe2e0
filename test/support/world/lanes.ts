/** Tasks that stand in line, and the limits that must hold at every moment. */
import fc from "fast-check";
import { LANES_LOOKED } from "../../../packages/core/lane-limits.ts";
import { LANES_FUNCTION } from "../../../packages/core/store/schema/lanes-function.ts";
import type { Work } from "./deployment.ts";
import { core, type Mutant } from "./mutant.ts";
import type { SimulatedPostgres } from "./wires.ts";
import type { World } from "./world.ts";

/** Where the tasks of a request stand. */
export interface Line {
  queue?: "mail" | "rated" | null;
  concurrency_key?: string | null;
  priority?: number;
}

const RATED_MS = 5_000;

export const CLEAN_LANES = [
  "limits",
  "lane_news",
  "lane_pools",
  "lane_groups",
  "lane_entries",
  "lanes",
  "lane_starts",
].map((name) => `delete from tickwork_${name}`);

/** One of a queue at a time, one of a type, one of each key, and a start each five seconds; and what `PUT /limits` adds for a type. */
export const LIMITS = [
  `insert into tickwork_limits (kind, name, concurrency, rate, period_seconds, burst, updated_at, starts, span) values
  ('queue', 'mail', 1, null, null, false, now(), null, null),
  ('concurrency_key', '*', 1, null, null, false, now(), null, null),
  ('type', 'short', 1, null, null, false, now(), null, null),
  ('queue', 'rated', null, 1, 5, false, now(), 1, interval '5 seconds')`,
  `insert into tickwork_lane_pools (versioned, type, queue, next_at) values ('short', 'short', '', now())`,
];

/** So many types with limits, of which there are no tasks, that a claim looks at the next lanes before it looks at all pools. */
export const IDLE_POOLS = [
  `insert into tickwork_limits (kind, name, concurrency, burst, updated_at)
    select 'type', 'idle' || n, 1, false, now() from generate_series(0, ${LANES_LOOKED}) n`,
  `insert into tickwork_lane_pools (versioned, type, queue, next_at)
    select 'idle' || n, 'idle' || n, '', 'infinity' from generate_series(0, ${LANES_LOOKED}) n`,
];

const line: fc.Arbitrary<Line> = fc.record({
  queue: fc.constantFrom("mail" as const, "mail" as const, "rated" as const, null),
  concurrency_key: fc.constantFrom(null, "a/1", "a/2", "b"),
  priority: fc.constantFrom(0, 0, 10, -10),
});

export const laned = (dueInMs: fc.Arbitrary<number>, work: fc.Arbitrary<Work>) =>
  fc.record({
    do: fc.constant("create" as const),
    count: fc.integer({ min: 1, max: 4 }),
    dueInMs,
    work,
    line,
  });

/** The names that hold a task back when they are full, and what is spread in time. */
const heldBy = (type: string | null, queue: string | null, key: string | null) => [
  ...(type === "short" ? ["type:short"] : []),
  ...(queue === "mail" ? ["queue:mail"] : []),
  ...(key === null ? [] : [`key:${key}`]),
];

export interface LaneWatcher {
  /** Looks after a write whether more runs, or has started, than may. */
  look(): Promise<void>;
  /** Since when a task that has just started could, as far as its limits go. */
  freeSinceMs(id: number): number;
}

export function watchLanes(world: World, postgres: SimulatedPostgres): LaneWatcher {
  const starts = new Set<number>();
  /** When a place was given back, by what it is a place of. */
  const freeSince = new Map<string, number>();
  let running = new Map<number, string[]>();
  const couldStart = new Map<number, number>();
  const lastOf = (names: readonly string[]) => Math.max(0, ...names.map((name) => freeSince.get(name) ?? 0));
  return {
    freeSinceMs: (id) => couldStart.get(id) ?? 0,
    async look() {
      const rows = await postgres.run(
        `select id, type, queue, concurrency_key as key, (extract(epoch from started_at) * 1000)::text as ms from "baasix_Tasks"
        where task_status = 'Running' and (lane is not null or type = 'short')`,
        [],
      );
      if (rows.filter(({ queue }) => queue === "mail").length > 1)
        world.violate("more of a queue run than its limit allows");
      if (rows.filter(({ type }) => type === "short").length > 1)
        world.violate("more of a type run than its limit allows");
      const keys = rows.flatMap(({ key }) => key ?? []);
      if (new Set(keys).size < keys.length) world.violate("more of a key run than its limit allows");
      const now = new Map(
        rows.map(({ id, type, queue, key }) => [
          Number(id),
          heldBy(type ?? null, queue ?? null, key ?? null),
        ]),
      );
      for (const [id, names] of running)
        if (!now.has(id)) for (const name of names) freeSince.set(name, postgres.nowMs());
      for (const { id, queue, ms } of rows) {
        if (running.has(Number(id))) continue;
        const names = now.get(Number(id)) ?? [];
        couldStart.set(Number(id), lastOf(queue === "rated" ? [...names, "rated"] : names));
        if (queue !== "rated" || starts.has(Number(ms))) continue;
        if ([...starts].some((before) => Math.abs(before - Number(ms)) < RATED_MS - 1))
          world.violate("two started sooner after each other than their rate allows");
        starts.add(Number(ms));
        freeSince.set("rated", Number(ms) + RATED_MS);
      }
      running = now;
    },
  };
}

/** The function is in the database: a mutant of it replaces it there. */
function inFunction(from: string, to: string): Pick<Mutant, "changes" | "schema"> {
  if (!LANES_FUNCTION.includes(from)) throw new Error(`the function has no ${from}`);
  return { changes: [], schema: { break: LANES_FUNCTION.replaceAll(from, to), mend: LANES_FUNCTION } };
}

export const laneMutants: Mutant[] = [
  {
    name: "nobody looks whether a queue is full",
    kind: "lanes",
    ...inFunction("coalesce(ql.concurrency <= ", "coalesce(null <= "),
  },
  {
    name: "nobody looks whether a type is full",
    kind: "lanes",
    ...inFunction("coalesce(tl.concurrency <= ", "coalesce(null <= "),
  },
  {
    name: "nobody looks whether a key is full",
    kind: "lanes",
    ...inFunction("where k.n >= coalesce(own", "where k.n > coalesce(own"),
  },
  {
    name: "a start does not count for its rate",
    kind: "lanes",
    ...inFunction("l.name = best.queue and l.starts is not null", "l.name = ''"),
  },
  {
    name: "the end of a task tells nobody that its place is free",
    kind: "lines",
    changes: [
      core("run/tick.ts", "if (isLaned(task) || settled.more) await tellLanes(flag, task, settled);", ""),
    ],
  },
  {
    name: "nobody says when a rate lets the next one start",
    kind: "lines",
    ...inFunction(
      "> moment and exists (select from tickwork_lane_entries e where e.pool = p.pool) then",
      "> moment and false then",
    ),
  },
  {
    name: "a claim that found nothing outranks what was told of the lanes since",
    kind: "lines",
    changes: [
      core(
        "tasks/standing.ts",
        'return [{ id: LANES, rev, kind: "gone" }];',
        'return [{ id: LANES, rev: rev + 60_000, kind: "gone" }];',
      ),
      core(
        "tasks/standing.ts",
        'return [{ id: LANES, rev, kind: "waiting", atMs: nextMs, inMs: nextMs - nowMs }];',
        'return [{ id: LANES, rev: rev + 60_000, kind: "waiting", atMs: nextMs, inMs: nextMs - nowMs }];',
      ),
    ],
  },
];
