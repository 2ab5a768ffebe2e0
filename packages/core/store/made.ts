/** What an insert answers: to make JSON of a row takes longer than to insert it, so of many rows one is answered whole. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { TASK_DATA_LIMIT_BYTES } from "../limits.ts";
import type { NewTask, Task } from "../tasks/task.ts";
import { versionOfRow } from "../tasks/version.ts";
import { hasLine } from "./columns.ts";
import type { Database } from "./database.ts";
import type { StoreDeps } from "./deps.ts";
import { NOW_MS } from "./fragments.ts";
import { plainTask } from "./plain-row.ts";
import { getMany } from "./read.ts";
import { type Row, type TimedTasks, toTask } from "./rows.ts";

/** Triggers of others may leave any row as nobody can know. */
const HAS_OTHER_TRIGGERS = `(select count(*) > 0 from pg_trigger
  where tgrelid = '"baasix_Tasks"'::regclass and not tgisinternal and tgname not like 'tickwork\\_%')`;

/** Answers the rows of `made`, which has `id`, `scheduled_time` and the row itself: the first one whole, or all of them. */
export const MADE_ROWS = `select id, scheduled_time, (select ${NOW_MS}),
    case when :whole or ${HAS_OTHER_TRIGGERS} or row_number() over (order by id) = 1 then row_to_json(row) end as task
  from made order by id`;

export interface MadeRow {
  id: string;
  scheduled_time: Date;
  now_ms: number;
  task: Row | null;
}

/** Databases whose rows are not what was given and otherwise alike: a table of Baasix may have more columns. */
const OTHERS = new WeakSet<Database>();

/** Whether all rows have to be answered whole. An older table may hold an attachment's id as something else. */
export const answersWhole = ({ database }: StoreDeps, given: readonly NewTask[]): boolean =>
  OTHERS.has(database) || given.some((task) => typeof task.attachment_id === "string" || hasLine(task));

/** The tasks that were made. Where the first row is not what this expects, the others are read. */
export async function madeTasks(
  deps: StoreDeps,
  rows: readonly MadeRow[],
  given: readonly NewTask[],
): Promise<TimedTasks> {
  const [first] = rows;
  const nowMs = first?.now_ms ?? 0;
  const whole = rows.flatMap(({ task }) => (task ? [toTask(task)] : []));
  const [pattern] = whole;
  if (!first || !pattern || whole.length === rows.length) return { tasks: whole, nowMs };
  const one = given[0] ?? pattern;
  if (JSON.stringify(taskLike(pattern, first, one, dataOf(one))) === JSON.stringify(pattern)) {
    const tasks: Task[] = [];
    let length = 0;
    for (const [n, row] of rows.entries()) {
      const made = given[n] ?? one;
      const data = dataOf(made);
      tasks.push(taskLike(pattern, row, made, data));
      length += data.length;
      // Others get their turn: to copy so much takes its time.
      if (length <= TASK_DATA_LIMIT_BYTES) continue;
      length = 0;
      await nextTurn();
    }
    return { tasks, nowMs };
  }
  OTHERS.add(deps.database);
  const { tasks } = await getMany(
    deps,
    rows.map(({ id }) => Number(id)),
  );
  return { tasks: tasks.sort((a, b) => a.id - b.id), nowMs };
}

/** JSON has nothing for a function. */
const dataOf = ({ task_data }: NewTask): string => JSON.stringify(task_data ?? null) ?? "null";

/** A task as it was given, in all else like another one of the same statement. */
function taskLike(other: Task, { id, scheduled_time }: MadeRow, given: NewTask, data: string): Task {
  return plainTask({
    id: Number(id),
    type: given.type,
    scheduled_time: scheduled_time.toISOString(),
    // As it comes out of the table, and not the object of the caller.
    task_data: JSON.parse(data),
    createdAt: other.createdAt,
    updatedAt: other.updatedAt,
    userCreated_Id: other.userCreated_Id,
    userUpdated_Id: other.userUpdated_Id,
    max_attempts: given.max_attempts ?? null,
    rev: other.rev,
    version: versionOfRow(given.version),
  });
}
