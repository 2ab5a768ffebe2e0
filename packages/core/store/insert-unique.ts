/** Creating tasks some of which have a unique key. Those without one are created by `insert.ts` alone. */
import type { NewTask, Task, UniqueOutcome } from "../tasks/task.ts";
import { columnsOf } from "./columns.ts";
import type { Statement } from "./database.ts";
import { NOW_MS } from "./fragments.ts";
import { type Row, type TimedTasks, toTask } from "./rows.ts";
import { statement } from "./statement.ts";

/** Created tasks, one for each that was asked for: with unique keys, more than one may be the same. */
export interface CreatedTasks extends TimedTasks {
  /** What became of each; null where it has no key. Absent when none has one. */
  outcomes?: (UniqueOutcome | null)[];
  /** Others, which lost a key whose time was over. */
  freed?: Task[];
}

export interface UniqueRow {
  /** Null: it was not asked for, but freed. */
  n: string | null;
  outcome: UniqueOutcome | null;
  task: Row;
  now_ms: number;
}

export const hasKey = ({ unique_key }: NewTask): boolean => unique_key != null;

export const MADE_UNIQUE = "select n, outcome, task from tickwork_insert_unique(:tasks, now())";

export const INSERT_UNIQUE = statement({ tasks: "json" })`
  select n, outcome, task, ${NOW_MS} from (${MADE_UNIQUE}) made order by n`;

/** Raises a unique violation when the key is known. */
export const INSERT_UNIQUE_ONCE = statement({ tasks: "json", key: "text", hash: "text" })`
  with made as materialized (${MADE_UNIQUE}),
    noted as (insert into tickwork_requests (key, hash, task_ids, outcomes, created_at)
      select :key, :hash, json_agg((task->>'id')::bigint order by n), json_agg(outcome order by n), now()
      from made where n is not null)
  select n, outcome, task, ${NOW_MS} from made order by n`;

export function insertUnique(tasks: readonly NewTask[], userId: string | undefined): Statement {
  return INSERT_UNIQUE({ tasks: uniqueColumnsOf(tasks, userId) });
}

export function insertUniqueOnce(
  tasks: readonly NewTask[],
  userId: string | undefined,
  once: { key: string; hash: string },
): Statement {
  return INSERT_UNIQUE_ONCE({ tasks: uniqueColumnsOf(tasks, userId), ...once });
}

export function uniqueColumnsOf(tasks: readonly NewTask[], userId: string | undefined) {
  return columnsOf(tasks, userId).map((columns, n) => {
    const { unique_key, unique_for, on_conflict, longest_wait_seconds } = tasks[n] ?? {};
    if (unique_key == null) return columns;
    return { ...columns, unique_key, unique_for: unique_for ?? "waiting", on_conflict, longest_wait_seconds };
  });
}

export function uniqueTasks(rows: readonly UniqueRow[]): CreatedTasks {
  const asked = rows.filter(({ n }) => n !== null);
  return {
    tasks: asked.map(({ task }) => toTask(task)),
    outcomes: asked.map(({ outcome }) => outcome),
    freed: rows.filter(({ n }) => n === null).map(({ task }) => toTask(task)),
    nowMs: rows[0]?.now_ms ?? 0,
  };
}

/** As whoever asked for them is told. */
export function withOutcomes({ tasks, outcomes }: Pick<CreatedTasks, "tasks" | "outcomes">): Task[] {
  if (!outcomes) return tasks;
  return tasks.map((task, n) => {
    const unique_outcome = outcomes[n];
    return unique_outcome ? { ...task, unique_outcome } : task;
  });
}
