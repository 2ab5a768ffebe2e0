/** What the whole table looks like, in one request that reads no more of a table of millions than of a small one. */
import { COUNT_LIMIT, FINISHED_BUCKETS, OVERVIEW_SCAN, UPCOMING_BUCKETS, WINDOW_MS } from "../limits.ts";
import { TASK_STATUSES, type TaskStatus } from "../tasks/task.ts";
import type { StoreDeps } from "./deps.ts";
import { firstWaiting, milliseconds, NOW_MS, WINDOW } from "./fragments.ts";
import { WITH_STATUS } from "./list.ts";
import { queryRepeatable, statement } from "./statement.ts";

/** How many tasks there are. Above `COUNT_LIMIT` they are not counted, but estimated from Postgres's statistics. */
export interface Count {
  count: number;
  exact: boolean;
}

/** The tasks that ended in a part of the time that an overview covers. */
export interface FinishedBucket {
  completed: number;
  failed: number;
  /** Those of them that had started more than a second late. */
  late: number;
  /** By how many milliseconds the latest of them was late; 0 when none was. */
  latest_ms: number;
}

export interface OverviewRead {
  nowMs: number;
  counts: Record<TaskStatus, Count>;
  finished: {
    /** The oldest first; the last one ends now. */
    buckets: FinishedBucket[];
    /** Epoch milliseconds. What ended before was too much to be counted; null when all was. */
    countedSinceMs: number | null;
  };
  upcoming: {
    /** Waiting tasks by their due time, from now on. */
    buckets: number[];
    /** Waiting tasks that are due. */
    overdue: number;
    /** Whether there were more than were counted. */
    cut: boolean;
  };
}

const COUNTS = TASK_STATUSES.map(
  (status) => `'${status}', json_build_object('count', (select count(*) from
    (select from "baasix_Tasks" where ${WITH_STATUS[status]} limit :count + 1) one),
    'about', (select reltuples * (most_common_freqs)[array_position(most_common_vals::text::text[], '${status}')]
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      join pg_stats on schemaname = nspname and tablename = relname and attname = 'task_status'
      where pg_class.oid = to_regclass('"baasix_Tasks"')))`,
).join(", ");

const newestOf = (status: "Completed" | "Error") => `(
  select task_status = 'Error' as failed, finished_at, lateness from "baasix_Tasks"
  where task_status = '${status}' and finished_at > now() - ${milliseconds(":span")} and finished_at <= now()
  order by finished_at desc limit :scan)`;

/** In which of so many parts of a time a moment of it is. */
const partOf = (ageMs: string, spanMs: number | string, parts: number) =>
  `least(${parts - 1}, floor(${ageMs} / ${spanMs} * ${parts}))::int`;
const AGO = partOf("extract(epoch from now() - finished_at) * 1000", ":span", FINISHED_BUCKETS);
const AHEAD = partOf("extract(epoch from scheduled_time - now()) * 1000", WINDOW_MS, UPCOMING_BUCKETS);

export const OVERVIEW = statement({ span: "float8", scan: "int", count: "int" })`
  with newest as (${newestOf("Completed")} union all ${newestOf("Error")}),
  ended as (select ${AGO} as ago, failed,
      coalesce((lateness->>'ms')::float8, 0) as late_ms from newest),
  coming as (select ${AHEAD} as ahead
    from ${firstWaiting(`scheduled_time > now() and scheduled_time <= now() + ${WINDOW}`, ":scan", "scheduled_time, id")} next)
  select ${NOW_MS}, json_build_object(${COUNTS}) as counts,
    (select coalesce(json_agg(one), '[]') from (select ago, count(*) filter (where not failed) as completed,
      count(*) filter (where failed) as failed, count(*) filter (where late_ms > 0) as late, max(late_ms) as latest_ms
      from ended group by ago) one) as ended,
    (select extract(epoch from max(since)) * 1000 from (select min(finished_at) as since from newest
      group by failed having count(*) >= :scan) one)::float8 as counted_since_ms,
    (select coalesce(json_agg(one), '[]') from (select ahead, count(*) as count from coming group by ahead) one) as coming,
    (select count(*) from ${firstWaiting("scheduled_time <= now()", ":scan", "scheduled_time, id")} due)::int as overdue`;

interface OverviewRow {
  now_ms: number;
  counts: Record<TaskStatus, { count: number; about: number | null }>;
  ended: (FinishedBucket & { ago: number })[];
  counted_since_ms: number | null;
  coming: { ahead: number; count: number }[];
  overdue: number;
}

/** @param spanMs how far back it looks */
export async function overview({ database }: StoreDeps, spanMs: number): Promise<OverviewRead> {
  const request = OVERVIEW({ span: spanMs, scan: OVERVIEW_SCAN, count: COUNT_LIMIT });
  const [row] = await queryRepeatable<OverviewRow>(database, request);
  if (!row) throw new Error("a statement without a condition must answer with a row");
  const finished = Array.from({ length: FINISHED_BUCKETS }, () => ({
    completed: 0,
    failed: 0,
    late: 0,
    latest_ms: 0,
  }));
  for (const { ago, ...bucket } of row.ended) finished[FINISHED_BUCKETS - 1 - ago] = bucket;
  const upcoming = Array.from({ length: UPCOMING_BUCKETS }, () => 0);
  for (const { ahead, count } of row.coming) upcoming[ahead] = count;
  const comingCount = row.coming.reduce((sum, { count }) => sum + count, 0);
  return {
    nowMs: row.now_ms,
    counts: Object.fromEntries(
      TASK_STATUSES.map((status) => [status, countOf(row.counts[status])]),
    ) as OverviewRead["counts"],
    finished: { buckets: finished, countedSinceMs: row.counted_since_ms },
    upcoming: {
      buckets: upcoming,
      overdue: row.overdue,
      cut: row.overdue >= OVERVIEW_SCAN || comingCount >= OVERVIEW_SCAN,
    },
  };
}

/** Postgres's statistics are as old as its last `analyze`; there are at least as many as were counted. */
function countOf({ count, about }: { count: number; about: number | null }): Count {
  return count <= COUNT_LIMIT
    ? { count, exact: true }
    : { count: Math.max(count, Math.round(about ?? 0)), exact: false };
}
