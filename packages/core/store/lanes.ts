/** What statements say of lanes (`lanes-tables.ts`). None of it costs anything where there are none. */
import { UNKNOWN_TYPE_MS } from "../limits.ts";
import type { Database } from "./database.ts";
import { epochMs, LIMITED, milliseconds, OURS, VERSIONED_TYPE } from "./fragments.ts";

/** News that may not have been folded in. What comes before them may be a million dead rows, which nobody is to pass. */
export const NEWS = "tickwork_lane_news where writer >= (select folded_before from tickwork_lane_state)";

const used = new WeakSet<Database>();
const everUsed = new WeakSet<Database>();

/** Whether claims begin with the function, as far as this process knows. One that is wrong finds out, and asks again. */
export const beginsWithLanes = (database: Database): boolean => used.has(database);

/** Whether there ever were lanes, as far as this process knows. A claim that is wrong starts nothing, and the next one finds out. */
export const hadLanes = (database: Database): boolean => everUsed.has(database);

export function noteLanes(database: Database, { lanes, ever }: { lanes: boolean; ever: boolean }): void {
  if (lanes) used.add(database);
  else used.delete(database);
  if (ever) everUsed.add(database);
}

/**
 * There are lanes, or types with limits: then the function alone starts tasks. A plain claim asks this and no more. The
 * first of the news in order, for that is looked up in the index.
 */
export const LANES_USED = `(exists (select from tickwork_lane_pools) or (select true from ${NEWS} order by writer limit 1) is not null)`;

/**
 * There are lanes, or ever was news: where nobody uses them, this is asked in place of `LANES_USED`, for it reads less.
 * What is in `tickwork_lane_use` was written with the first news, and stays.
 */
export const LANES_EVER_USED =
  "(exists (select from tickwork_lane_pools) or exists (select from tickwork_lane_use))";

/** The pool or the news is of a type that this process runs. */
export const OUR_LANES = OURS.replaceAll(VERSIONED_TYPE, "versioned");
/** Or another deployment may, for as long as its ticks are to see it. */
const seen = (due: string) => `(${OUR_LANES} or ${due} > now() - ${milliseconds(UNKNOWN_TYPE_MS)})`;

/** Something has ended since the function last found nothing to start. */
export const HAS_ENDED = `exists (select from tickwork_lane_state, unnest(waits_for) as waits (id)
  where not exists (select from "baasix_Tasks" t where t.id = waits.id and t.task_status = 'Running'))`;

const nextMs = (which: (due: string) => string) => `least(
  (select ${epochMs("min(due)")} from ${NEWS} and ${which("due")}),
  (select ${epochMs("min(case when ended then least(next_at, now()) else nullif(next_at, 'infinity') end)")}
    from tickwork_lane_pools, (select ${HAS_ENDED} as ended) one where ${which("next_at")}))`;

/** The earliest moment at which a laned task may start, as far as anybody knows: never later than it may. */
export const LANES_NEXT_MS = nextMs(seen);
/** The same of types that this process runs. What others are to see does not stand for it. */
export const OWN_LANES_NEXT_MS = nextMs(() => OUR_LANES);

/** The function's row, if `only` holds. It is called once. */
export const claimLaned = (only: string) => `select l.* from (select 1) one cross join lateral
  tickwork_claim_laned(now(), :slot, :slots, :newToken, :leaseMs, :maxCrashes, :ours) l where ${only}`;

/** Types with a limit: their tasks have lanes when their turn comes. Written like `OURS`, for the planner. */
export const UNLIMITED = `nullif(${LIMITED}, true) is not null`;

/** Something laned may start now: nothing else is taken many at a time. */
export const LANES_BUSY = `(${LANES_USED} and coalesce(${LANES_NEXT_MS} <= ${epochMs("now()")}, false))`;
