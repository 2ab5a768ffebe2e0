/** Schedules, and the tasks that are their occurrences. */
import type { Schedule, ScheduleTimes } from "../tasks/schedule.ts";
import type { Task } from "../tasks/task.ts";
import type { Database } from "./database.ts";
import { epochMs, isoUtc, milliseconds, NOW_MS } from "./fragments.ts";
import { type TaskRow, type TimedRow, type TimedTasks, tasksOf, timedTasksOf } from "./rows.ts";
import { type Params, queryRepeatable, statement, variants } from "./statement.ts";
import { SCHEDULE_ROW, type ScheduleRow } from "./window.ts";

/** The occurrences of a schedule that are to be made, and how the schedule stands then. */
export interface Plan {
  name: string;
  /** As they were read: what somebody else changed or made since is left alone. */
  rev: number;
  next_ms: number | null;
  times: number[];
  then_next_ms: number | null;
  then_more_ms: number | null;
}

const time = (ms: string) => `to_timestamp(${ms} / 1000.0)`;

/**
 * Makes the occurrences of any number of schedules. Each plan counts once, for it names the first occurrence that was
 * not made yet and thereby moves it; and a unique index has each occurrence once. What another one holds at this
 * moment, that one makes.
 */
export const MAKE = statement({ plans: "json" })`
  with given as (select * from json_to_recordset(:plans) as p
      (name text, rev bigint, next_ms float8, times json, then_next_ms float8, then_more_ms float8)),
    held as (select s.name, g.times, g.then_next_ms, g.then_more_ms
      from given g join tickwork_schedules s on s.name = g.name
      where not s.paused and s.rev = g.rev and ${epochMs("s.next_time")} is not distinct from g.next_ms
      order by s.name for update of s skip locked),
    moved as (update tickwork_schedules s set next_time = ${time("h.then_next_ms")}, more_time = ${time("h.then_more_ms")}
      from held h where s.name = h.name returning s.name, s.type, s.version, s.task_data, h.times),
    made as (insert into "baasix_Tasks" (task_status, type, version, scheduled_time, task_data, "createdAt", "updatedAt", rev,
        schedule, schedule_time)
      select 'Not started', m.type, m.version, ${time("t.ms::float8")}, m.task_data, now(), now(), 1, m.name, ${time("t.ms::float8")}
      from moved m, json_array_elements_text(m.times) as t (ms) order by t.ms::float8
      on conflict (schedule, schedule_time) where schedule is not null do nothing
      returning "baasix_Tasks" as row, id)
  select row_to_json(row) as task, ${NOW_MS} from made order by id`;

/** Makes occurrences; those that were made are returned. */
export async function makeOccurrences(database: Database, plans: readonly Plan[]): Promise<TimedTasks> {
  return timedTasksOf(await queryRepeatable<TimedRow>(database, MAKE({ plans })));
}

/** What waits of a schedule, and has never begun. */
const REMOVE_WAITING = `delete from "baasix_Tasks" where schedule = :name and task_status = 'Not started' and attempts = 0
  returning row_to_json("baasix_Tasks") as task`;

/** All that is kept of a schedule but its times to come. */
export interface ScheduleSpec
  extends ScheduleTimes,
    Pick<Schedule, "source" | "type" | "version" | "catch_up" | "overlap" | "paused"> {
  task_data: unknown;
}

const SPEC = [
  "source",
  "cron",
  "every_seconds",
  "time_zone",
  "type",
  "version",
  "task_data",
  "catch_up",
  "overlap",
  "paused",
];

export const PUT = statement({
  name: "text",
  source: "text",
  cron: "text?",
  every_seconds: "int?",
  time_zone: "text",
  type: "text",
  version: "int?",
  task_data: "json",
  catch_up: "text",
  overlap: "text",
  paused: "boolean",
  next_ms: "float8?",
})`
  with put as (insert into tickwork_schedules as s (name, ${SPEC.join(", ")}, next_time, created_at, updated_at)
      values (:name, ${SPEC.map((column) => `:${column}`).join(", ")}, ${time(":next_ms")}, now(), now())
      on conflict (name) do update set ${SPEC.map((column) => `${column} = excluded.${column}`).join(", ")},
        next_time = excluded.next_time, more_time = null, rev = s.rev + 1, updated_at = now()
        where s.source = 'api' or excluded.source = 'code'
      returning s.name, s.rev),
    removed as (delete from "baasix_Tasks" where schedule in (select name from put) and task_status = 'Not started'
      and attempts = 0 returning "baasix_Tasks" as row)
  select (select rev from put) as rev, ${NOW_MS}, (select json_agg(row_to_json(row)) from removed) as removed`;

/**
 * What was written and removed; `rev` is null when the schedule is declared in code and `source` is `api`.
 *
 * Whoever makes its occurrences at this moment holds its row: the second statement of a transaction sees what was made
 * while the first one waited, and removes that, too.
 */
export async function putSchedule(
  database: Database,
  name: string,
  { next_ms, ...spec }: ScheduleSpec & { next_ms: number | null },
) {
  const request = PUT({ name, next_ms, ...spec });
  type Put = { rev: string | null; now_ms: number; removed: TaskRow["task"][] | null };
  const [, [row] = []] = await database.transaction<Put>([LOCK({ name }), request], { repeatable: true });
  const removed = tasksOf((row?.removed ?? []).map((task) => ({ task })));
  return { rev: row?.rev ? Number(row.rev) : undefined, nowMs: row?.now_ms ?? 0, removed };
}

export const DELETE = statement({ name: "text" })`delete from tickwork_schedules where name = :name`;
export const DELETE_WAITING = statement({ name: "text" })`${REMOVE_WAITING}`;

/** Deletes a schedule and what waits of it. */
export async function deleteSchedule(database: Database, name: string): Promise<Task[]> {
  const [, removed] = await database.transaction<TaskRow>([DELETE({ name }), DELETE_WAITING({ name })], {
    repeatable: true,
  });
  return tasksOf(removed ?? []);
}

/** A schedule as it is kept, without the times to come. */
export type KeptSchedule = Omit<Schedule, "next_times">;

/** Its latest occurrence that has begun: the index is read backward past those that wait, or were cancelled before their time. */
const KEPT = `json_build_object('name', s.name, ${SPEC.map((column) => `'${column}', s.${column}`).join(", ")},
  'created_at', ${isoUtc("s.created_at")}, 'updated_at', ${isoUtc("s.updated_at")}, 'last', (
    select json_build_object('task', t.id, 'task_status', t.task_status, 'schedule_time', ${isoUtc("t.schedule_time")},
      'started_at', ${isoUtc("t.started_at")}, 'finished_at', ${isoUtc("t.finished_at")})
    from "baasix_Tasks" t where t.schedule = s.name and t.task_status <> 'Not started' and t.schedule_time <= now()
    order by t.schedule_time desc limit 1))`;

export const LIST = variants(
  (named: boolean) =>
    statement({ after: "text", limit: "int", ...(named && { name: "text" as const }) } as Params)`
  select ${KEPT} as schedule from tickwork_schedules s where s.name > :after ${named ? "and s.name = :name" : ""}
  order by s.name limit :limit`,
);
export const GET = statement({ name: "text" })`
  select ${KEPT} as schedule from tickwork_schedules s where s.name = :name`;
export const DECLARED = statement({})`
  select ${KEPT} as schedule from tickwork_schedules s where s.source = 'code'`;

type Found = { schedule: KeptSchedule };
const keptOf = (rows: readonly Found[]) => rows.map(({ schedule }) => schedule);

/** The schedules after a name, in the order of their names; or the one that has a name. */
export async function listSchedules(
  database: Database,
  { name, ...page }: { name: string | undefined; after: string; limit: number },
): Promise<KeptSchedule[]> {
  const isNamed = name !== undefined;
  const request = LIST(isNamed)({ ...page, ...(isNamed && { name }) } as never);
  return keptOf(await queryRepeatable<Found>(database, request));
}
export const getSchedule = async (database: Database, name: string) =>
  keptOf(await queryRepeatable<Found>(database, GET({ name })))[0];
export const declaredSchedules = async (database: Database) =>
  keptOf(await queryRepeatable<Found>(database, DECLARED({})));

export const RUN_NOW = statement({ name: "text", userId: "column?" })`
  with made as (insert into "baasix_Tasks" (task_status, type, version, scheduled_time, task_data, "userCreated_Id", "createdAt",
      "updatedAt", rev, schedule, schedule_time)
    select 'Not started', s.type, s.version, now(), s.task_data, :userId, now(), now(), 1, s.name, now()
    from tickwork_schedules s where s.name = :name returning "baasix_Tasks" as row)
  select row_to_json(row) as task, ${NOW_MS} from made`;

/** Makes an occurrence that is due now; none when there is no such schedule. */
export async function runNow(
  database: Database,
  name: string,
  userId: string | undefined,
): Promise<TimedTasks> {
  return timedTasksOf(await database.query<TimedRow>(RUN_NOW({ name, userId: userId ?? null })));
}

export const READ_ROW = statement({ name: "text" })`
  select ${SCHEDULE_ROW} as schedule, ${NOW_MS} from tickwork_schedules s where name = :name`;

export const LOCK = statement({ name: "text" })`select from tickwork_schedules where name = :name for update`;
/** In a queue, whether the occurrence directly before this one still waits: then that one looks for both. */
const IS_BEHIND = `s.overlap = 'queue' and coalesce((select e.task_status = 'Not started' and e.attempts = 0
    from "baasix_Tasks" e
    where e.schedule = :name and e.schedule_time < (select schedule_time from "baasix_Tasks" where id = :id)
    order by e.schedule_time desc limit 1), false)`;
/** The occurrence has the schedule's turn unless another one has it that has not ended, or ended after this one's time. */
export const TAKE_TURN = statement({ name: "text", id: "bigint", dueMs: "float8" })`
  with before as (select s.name, t.task_status, greatest(t.lease_expires_at, t.scheduled_time, now()) as look_at,
      coalesce(t.task_status in ('Not started', 'Running'), false) as goes_on,
      coalesce(t.task_status in ('Not started', 'Running') or t.finished_at > ${time(":dueMs")}, false) as overlaps
    from tickwork_schedules s left join "baasix_Tasks" t on t.id = s.current_task and t.id <> :id where s.name = :name),
  taken as (update tickwork_schedules s set current_task = :id from before b where s.name = b.name
    and not (case s.overlap when 'skip' then b.overlaps when 'queue' then b.goes_on else false end) returning s.name)
  select ${SCHEDULE_ROW} as schedule, exists (select from taken) as taken, ${epochMs("b.look_at")} as look_ms,
    ${IS_BEHIND} as is_behind, ${NOW_MS}
  from before b join tickwork_schedules s on s.name = b.name`;

export interface Turn {
  schedule: ScheduleRow;
  taken: boolean;
  /** When the one before may have ended; null when there is none. */
  look_ms: number | null;
  /** Whether the occurrence before this one waits for its turn, too. */
  is_behind: boolean;
  now_ms: number;
}

/** Reads the schedule of an occurrence; undefined when it was deleted. */
export async function readSchedule(database: Database, name: string) {
  const [row] = await queryRepeatable<Pick<Turn, "schedule" | "now_ms">>(database, READ_ROW({ name }));
  return row;
}

/**
 * Asks whether an occurrence may start now. Those of a schedule ask one after the other, and each sees what the one
 * before has done: the second statement of a transaction sees what was committed while the first waited.
 */
export async function takeTurn(
  database: Database,
  { name, id, dueMs }: { name: string; id: number; dueMs: number },
): Promise<Turn | undefined> {
  const turn = TAKE_TURN({ name, id, dueMs });
  const [, rows] = await database.transaction<Turn>([LOCK({ name }), turn], { repeatable: true });
  return rows?.[0];
}

/**
 * The first that a queue holds back: it was claimed before, and is due again when it would look by itself. From then on
 * the second one looks.
 */
export const RELEASE = statement({ name: "text", lookAfterMs: "float8" })`
  with held as (select id, row_number() over (order by schedule_time) as n from (
    select id, schedule_time from "baasix_Tasks" where schedule = :name and task_status = 'Not started' and attempts = 0
      and schedule_time <= now() and scheduled_time > now() order by schedule_time limit 2) as two),
  released as (update "baasix_Tasks" t set "updatedAt" = now(), scheduled_time = case when held.n = 1 then now()
      else least(t.scheduled_time, now() + ${milliseconds(":lookAfterMs")}) end
    from held where t.id = held.id and t.task_status = 'Not started' returning t as row)
  select row_to_json(row) as task, ${NOW_MS} from released`;

/** Has the next one of a queue start at once, and the one after it look by itself after a while. */
export async function releaseNext(
  database: Database,
  request: { name: string; lookAfterMs: number },
): Promise<TimedTasks> {
  return timedTasksOf(await queryRepeatable<TimedRow>(database, RELEASE(request)));
}
