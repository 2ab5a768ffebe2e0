import { quote, TickworkError } from "../errors.ts";
import { ANSWER_LIMIT_BYTES, IDEMPOTENCY_HOURS, ISSUES_LIMIT } from "../limits.ts";
import type { NewTask } from "../tasks/task.ts";
import { columnsOf } from "./columns.ts";
import type { StoreDeps } from "./deps.ts";
import { NOW_MS, wholeOrOmitting } from "./fragments.ts";
import {
  type CreatedTasks,
  hasKey,
  insertUnique,
  insertUniqueOnce,
  type UniqueRow,
  uniqueTasks,
} from "./insert-unique.ts";
import { answersWhole, MADE_ROWS, type MadeRow, madeTasks } from "./made.ts";
import { callersFault, isUniqueViolation, translatingDataErrors } from "./postgres-errors.ts";
import { type Row, toTask } from "./rows.ts";
import { queryRepeatable, statement } from "./statement.ts";

/**
 * Makes tasks of a JSON array. Ids grow in its order. `json_populate_recordset` gives each value the type of its
 * column. A row is made as the trigger would leave it, which is therefore not called.
 */
export const insertOf = (tasks: string) => `insert into "baasix_Tasks"
    (task_status, type, scheduled_time, attachment_id, task_data, max_attempts, version, "userCreated_Id", "createdAt", "updatedAt", rev,
    priority, queue, concurrency_key)
  select 'Not started', type, coalesce(scheduled_time, now()), attachment_id, task_data, max_attempts, nullif(version, 1), "userCreated_Id",
    now(), now(), 1, nullif(priority, 0), queue, concurrency_key
  from rows from (json_populate_recordset(null::"baasix_Tasks", ${tasks})) with ordinality
  order by ordinality returning id, scheduled_time, "baasix_Tasks" as row`;
const MADE = insertOf(":tasks");

export const INSERT = statement({ tasks: "json", whole: "boolean" })`with made as (${MADE}) ${MADE_ROWS}`;

/** Creates tasks, all or none, in the order given. Where a unique key is taken, the answer has the task that has it. */
export async function insert(
  deps: StoreDeps,
  tasks: readonly NewTask[],
  userId?: string,
): Promise<CreatedTasks> {
  if (tasks.some(hasKey)) {
    const request = insertUnique(tasks, userId);
    return uniqueTasks(await translatingDataErrors(() => deps.database.query<UniqueRow>(request)));
  }
  const request = INSERT({ tasks: columnsOf(tasks, userId), whole: answersWhole(deps, tasks) });
  const rows = await translatingDataErrors(() => deps.database.query<MadeRow>(request));
  return madeTasks(deps, rows, tasks);
}

const EXPIRED = `created_at < now() - interval '${IDEMPOTENCY_HOURS} hours'`;

/** Raises a unique violation when the key is known. */
export const INSERT_ONCE = statement({
  tasks: "json",
  whole: "boolean",
  key: "text",
  hash: "text",
})`with made as (${MADE}),
    kept as (insert into tickwork_requests (key, hash, task_ids, created_at)
      select :key, :hash, (select json_agg(id order by id) from made), now())
  ${MADE_ROWS}`;

export const FIND_REQUEST = statement({ key: "text", bytes: "bigint" })`
  select r.hash, r.${EXPIRED} as expired, ${NOW_MS}, r.task_ids as ids, r.outcomes,
    (select coalesce(json_agg(task order by id), '[]') from (${wholeOrOmitting(`(select * from "baasix_Tasks"
      where id in (select value::bigint from json_array_elements_text(r.task_ids)))`)}) made) as tasks
  from tickwork_requests r where r.key = :key`;

interface KnownRequest {
  hash: string;
  expired: boolean;
  now_ms: number;
  ids: number[];
  /** What became of each task that had a unique key; null where none had. */
  outcomes: NonNullable<CreatedTasks["outcomes"]> | null;
  tasks: Row[];
}

/** Only an expired one: another process may have used the key again. */
export const FORGET_REQUEST = statement({ key: "text" })`
  delete from tickwork_requests where key = :key and ${EXPIRED}`;

export const FORGET_OLD_REQUESTS = statement({})`delete from tickwork_requests where ${EXPIRED}`;

/**
 * Creates tasks once for an idempotency key; within 24 hours, the same key answers with the same tasks. A first use is
 * one request, a repetition two.
 *
 * @param hash tells one request from another
 * @throws TickworkError `idempotency_key_reused` when the key came with another request, `tasks_deleted` when not all of
 * its tasks exist any more
 */
export async function insertOnce(
  deps: StoreDeps,
  tasks: readonly NewTask[],
  key: string,
  hash: string,
  userId?: string,
): Promise<CreatedTasks & { made: boolean }> {
  const { database } = deps;
  const create = async (): Promise<CreatedTasks> => {
    if (tasks.some(hasKey))
      return uniqueTasks(await database.query<UniqueRow>(insertUniqueOnce(tasks, userId, { key, hash })));
    const given = { tasks: columnsOf(tasks, userId), whole: answersWhole(deps, tasks) };
    return madeTasks(deps, await database.query<MadeRow>(INSERT_ONCE({ ...given, key, hash })), tasks);
  };
  for (;;) {
    try {
      return { ...(await create()), made: true };
    } catch (error) {
      if (!isUniqueViolation(error, "tickwork_requests_pkey")) throw callersFault(error);
    }
    const [known] = await queryRepeatable<KnownRequest>(
      database,
      FIND_REQUEST({ key, bytes: ANSWER_LIMIT_BYTES }),
    );
    if (known && !known.expired) {
      if (known.hash !== hash) throw keyReused(key);
      const found = new Map(known.tasks.map((row) => [row.id, toTask(row)]));
      const told = known.ids.flatMap((id) => found.get(id) ?? []);
      if (told.length < known.ids.length) throw tasksDeleted(key, known);
      const outcomes = known.outcomes ? { outcomes: known.outcomes } : {};
      return { tasks: told, ...outcomes, nowMs: known.now_ms, made: false };
    }
    await queryRepeatable(database, FORGET_REQUEST({ key }));
  }
}

/** A repetition answers as the first request did, or not at all: a shorter list would name the wrong tasks. */
function tasksDeleted(key: string, { ids, tasks }: KnownRequest): TickworkError {
  const left = new Set(tasks.map(({ id }) => id));
  const deleted = ids.filter((id) => !left.has(id));
  return new TickworkError(
    "tasks_deleted",
    `The request with the Idempotency-Key ${quote(key)} was carried out before and created ${numbered(ids)}; ` +
      `deleted since: ${numbered(deleted)}.`,
  );
}

function numbered(ids: readonly number[]): string {
  const told = ids.slice(0, ISSUES_LIMIT).join(", ");
  return `${ids.length === 1 ? "task" : "tasks"} ${told}${ids.length > ISSUES_LIMIT ? ", …" : ""}`;
}

function keyReused(key: string): TickworkError {
  return new TickworkError(
    "idempotency_key_reused",
    `Idempotency-Key ${quote(key)} was used within 24 hours for another request; a key belongs to one request.`,
  );
}
