/**
 * Operations on many tasks: a batch at a time, each one statement. It notes in the same breath how far it has come, so
 * whatever dies, none is done twice and none is left out.
 */
import { BULK_BATCH, BULK_BATCH_BYTES, BULK_SCAN } from "../limits.ts";
import type { BulkAction, TaskFilter } from "../tasks/filter.ts";
import type { Task, TaskStatus } from "../tasks/task.ts";
import { ANEW, CAN_BE_ASKED, CAN_BE_ENDED, UPDATED } from "./change.ts";
import type { Statement } from "./database.ts";
import type { StoreDeps } from "./deps.ts";
import { conditionsOf, depsFor, type Looked, lookedOf, paramsOf, valuesOf } from "./filter.ts";
import { asErrorData, CANCELLED, epochMs, NOW_MS } from "./fragments.ts";
import { PLACE, WITH_STATUS } from "./list.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type Row, toTask } from "./rows.ts";
import { HAS_KEY } from "./schema/unique-function.ts";
import { type Params, queryRepeatable, statement, variants } from "./statement.ts";

/** How far an operation has come, from the newest task to the oldest. */
export interface BulkState {
  /** 1 once it is through, else 0. */
  pass: number;
  /** Only tasks with lower ids are left. */
  before_id: number;
  matched: number;
  changed: number;
  /** What the last batch changed: the cache may not have been told. */
  ids: number[];
}

/** Of one status, from the newest on. Written as the indexes are; see `list.ts`. */
const newestOf = (status: TaskStatus, ofType: boolean) => `(
  select *, id + 0 as ${PLACE} from "baasix_Tasks" where ${WITH_STATUS[status]}
    ${ofType ? "and type = :type" : ""} and id + 0 < :before order by id + 0 desc limit :scan)`;

/**
 * Of some statuses, merged: each task is looked at once, in whatever status it is then. One status after the other
 * would pass over a task that waits while those that run are looked at, and runs while those that wait are.
 */
const newest = (statuses: readonly TaskStatus[], ofType: boolean) =>
  `(select * from (${statuses.map((status) => newestOf(status, ofType)).join(" union all ")}) merged
    order by ${PLACE} desc limit :scan)`;

const withStatus = (statuses: readonly TaskStatus[]) =>
  `(${statuses.map((status) => `(${WITH_STATUS[status]})`).join(" or ")})`;

const STATE = `json_build_object('pass', pass, 'before_id', before_id, 'matched', matched, 'changed', changed, 'ids', ids)`;

/** Forgets the operations whose tasks are gone, and begins this one unless it has begun. */
const BEGIN = statement({ run: "bigint" })`
  with old as (delete from tickwork_bulk b where not exists (select from "baasix_Tasks" t where t.id = b.task)),
  begun as (insert into tickwork_bulk (task, pass, before_id, matched, changed, ids) values (:run, 0, :run, 0, 0, '{}')
    on conflict do nothing returning *)
  select ${STATE} as state, (select min(id) from "baasix_Tasks") as lowest
  from (select * from begun union all select * from tickwork_bulk where task = :run) one`;

/** @returns how far it has come, and the lowest id that there is */
export async function beginBulk(
  { database }: StoreDeps,
  run: number,
): Promise<{ state: BulkState; lowest: number }> {
  const [row] = await queryRepeatable<{ state: BulkState; lowest: string }>(database, BEGIN({ run }));
  // Two that begin at once: the second does not see yet what the first one has written.
  if (!row) throw new Error(`the operation of task ${run} has just been begun by another`);
  return { state: row.state, lowest: Number(row.lowest) };
}

/** What a batch does to the tasks in `fit`, as parts of a `with`, of which `changed` has the rows. */
const ACTIONS: Readonly<Record<BulkAction, { sql: string; params: Params }>> = {
  retry: {
    sql: `changed as (update "baasix_Tasks" set ${ANEW} where id in (select id from fit) returning *)`,
    params: { userId: "column?" },
  },
  reschedule: {
    sql: `changed as (update "baasix_Tasks" set scheduled_time = :scheduled_time, ${UPDATED}
      where id in (select id from fit) returning *)`,
    params: { userId: "column?", scheduled_time: "column" },
  },
  cancel: {
    // One update, which goes by what a row has become since it was looked at.
    sql: `changed as (update "baasix_Tasks" set ${UPDATED},
        task_status = case when ${CAN_BE_ENDED} then 'Error' else task_status end,
        error_data = case when ${CAN_BE_ENDED} then ${asErrorData(CANCELLED("attempts", ":message"))} else error_data end,
        cancel_requested = ${CAN_BE_ASKED}
      where id in (select id from fit) and (${CAN_BE_ENDED} or ${CAN_BE_ASKED}) returning *)`,
    params: { userId: "column?", message: "text" },
  },
  delete: {
    sql: `changed as (delete from "baasix_Tasks" where id in (select id from fit) returning *)`,
    params: {},
  },
};

/** What finished after the operation had been asked for is not meant, be it a task that failed once more. */
const FINISHED_BEFORE = `(task_status not in ('Completed', 'Error')
  or coalesce(finished_at, "updatedAt") <= (select "createdAt" from "baasix_Tasks" where id = :run))`;

/** Its attempt goes on, and nobody has cancelled it: a worker that lost its lease, or has to stop, changes nothing. */
const GOES_ON = `exists (select from "baasix_Tasks"
  where id = :run and task_status = 'Running' and attempts = :attempt and not cancel_requested)`;

/** Of a retry: no other task has the unique key, and of those in the batch the newest gets it. */
const KEY_IS_FREE = `(unique_key is null or unique_for is null or jsonb_typeof(unique_for) = 'number' or (
  not exists (select from "baasix_Tasks" where type = l.type and unique_key = l.unique_key and ${HAS_KEY})
  and id = (select max(id) from locked o where o.type = l.type and o.unique_key = l.unique_key
    and jsonb_typeof(o.unique_for) = 'string')))`;

const BYTES = ["task_data", "result_data", "error_data", "history"]
  .map((column) => `coalesce(pg_column_size(${column}), 0)`)
  .join(" + ");

/**
 * Looks at the next tasks of these statuses, at most `:scan` of them, until it has found `:count` that meet the filter,
 * and does it to those, or to as many of them as together are not too large. A statement that comes late, with a
 * `:before` that is no longer true, changes nothing.
 */
export const STEP = variants(
  (action: BulkAction, statuses: readonly TaskStatus[], ofType: boolean, ...looked: Looked[]) => {
    const mayHaveFinished = statuses.some((status) => status === "Completed" || status === "Error");
    const conditions = [conditionsOf(looked), mayHaveFinished ? FINISHED_BEFORE : ""]
      .filter(Boolean)
      .join(" and ");
    const { sql, params } = ACTIONS[action];
    return statement({
      ...{ run: "bigint", attempt: "int", pass: "int", before: "bigint" },
      ...{ scan: "int", count: "int", bytes: "bigint" },
      ...(ofType && { type: "column" as const }),
      ...paramsOf(looked),
      ...params,
    } as Params)`
    with run as (select from tickwork_bulk where task = :run and pass = :pass and before_id = :before
      and ${GOES_ON} for update),
    found as materialized (select id, ${PLACE}, ${BYTES} as bytes from ${newest(statuses, ofType)} t
      ${conditions ? `where ${conditions}` : ""} order by ${PLACE} desc limit :count),
    chosen as materialized (select id from (select id, sum(bytes) over (order by ${PLACE} desc) as bytes,
      row_number() over (order by ${PLACE} desc) as n from found) one where bytes <= :bytes or n = 1),
    locked as materialized (select id, type, unique_key, unique_for from "baasix_Tasks"
      where id = any(array(select id from chosen)) and exists (select from run) and ${withStatus(statuses)}
        ${conditions ? `and ${conditions}` : ""} order by "baasix_Tasks".id for update),
    fit as materialized (select id from locked l ${action === "retry" ? `where ${KEY_IS_FREE}` : ""}),
    ${sql},
    counted as materialized (select (select count(*) from chosen) as matched, (select count(*) from changed) as changed,
      case when (select count(*) from found) < :count and (select count(*) from chosen) = (select count(*) from found)
        then coalesce((select min(id) from ${newest(statuses, ofType)} s having count(*) = :scan), 0)
        else (select min(id) from chosen) end as next),
    noted as (update tickwork_bulk set pass = case when next = 0 then pass + 1 else pass end,
        before_id = case when next = 0 then task else next end,
        matched = tickwork_bulk.matched + counted.matched, changed = tickwork_bulk.changed + counted.changed,
        ids = array(select id from changed)
      from counted where task = :run and exists (select from run) returning tickwork_bulk.*)
    select row_to_json(c.*) as task, ${NOW_MS}, null::json as state from changed c
    union all select null, ${epochMs("now()")}, ${STATE} from noted`;
  },
);

interface StepRow {
  task: Row | null;
  now_ms: number;
  state: BulkState | null;
}

/** What an operation does to tasks of some statuses. */
export interface BulkStep {
  action: BulkAction;
  filter: TaskFilter;
  statuses: readonly TaskStatus[];
  /** The attempt of its task that does it. */
  attempt: number;
  scheduled_time?: string | undefined;
  /** Of what is cancelled: why it ended. */
  message: string;
  userId: string | null;
}

export function stepRequest(
  deps: Pick<StoreDeps, "types" | "maxCrashes">,
  run: number,
  { pass, before_id }: Pick<BulkState, "pass" | "before_id">,
  { action, filter, statuses, ...given }: BulkStep,
): Statement {
  const looked = lookedOf(filter);
  const ofType = filter.type !== undefined;
  return STEP(
    action,
    statuses,
    ofType,
    ...looked,
  )({
    ...{ run, pass, before: before_id, scan: BULK_SCAN, count: BULK_BATCH, bytes: BULK_BATCH_BYTES },
    ...given,
    ...(ofType && { type: filter.type }),
    ...valuesOf(deps, filter, looked),
  } as never);
}

/** @returns what it changed, and how far it has come; undefined when another has gone on from there, or it has to stop */
export async function bulkStep(
  deps: StoreDeps,
  run: number,
  state: Pick<BulkState, "pass" | "before_id">,
  what: BulkStep,
): Promise<{ tasks: Task[]; nowMs: number; state: BulkState } | undefined> {
  const request = stepRequest(await depsFor(deps, what.filter), run, state, what);
  const rows = await translatingDataErrors(() => deps.database.query<StepRow>(request));
  const last = rows.at(-1);
  if (!last?.state) return undefined;
  const tasks = rows.flatMap(({ task }) => (task ? [toTask(task)] : []));
  return { tasks, nowMs: last.now_ms, state: last.state };
}

export const COUNT = variants((statuses: readonly TaskStatus[], ofType: boolean, ...looked: Looked[]) => {
  const conditions = conditionsOf(looked);
  return statement({
    ...{ before: "bigint", scan: "int" },
    ...(ofType && { type: "column" as const }),
    ...paramsOf(looked),
  } as Params)`
    select count(*) ${conditions ? `filter (where ${conditions})` : ""}::int as count, count(*)::int as looked, min(id) as looked_to
    from ${newest(statuses, ofType)} t`;
});

/** Counts those that meet a filter among the next tasks of these statuses. */
export async function countSome(
  deps: StoreDeps,
  filter: TaskFilter,
  statuses: readonly TaskStatus[],
  before: number,
): Promise<{ count: number; next: number | undefined }> {
  const looked = lookedOf(filter);
  const ofType = filter.type !== undefined;
  const request = COUNT(
    statuses,
    ofType,
    ...looked,
  )({
    ...{ before, scan: BULK_SCAN },
    ...(ofType && { type: filter.type }),
    ...valuesOf(await depsFor(deps, filter), filter, looked),
  } as never);
  const [row] = await queryRepeatable<{ count: number; looked: number; looked_to: string | null }>(
    deps.database,
    request,
  );
  const { count = 0, looked: seen = 0, looked_to = null } = row ?? {};
  return { count, next: seen === BULK_SCAN ? Number(looked_to) : undefined };
}
