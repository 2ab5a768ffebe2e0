/** What a start and `tickwork doctor` ask of Postgres: nothing is changed. */
import { OVERDUE_MS, SEEN_LIMIT } from "../limits.ts";
import type { Database } from "./database.ts";
import { epochMs, firstWaiting, milliseconds } from "./fragments.ts";

/** The server and what this user may do there. */
export interface ServerState {
  version: string;
  /** Its clock, epoch milliseconds. */
  now_ms: number;
  /** It can only be read: a standby, or what was set so. */
  read_only: boolean;
  user: string;
  /** Where tables would be created; null when the search path leads nowhere. */
  schema: string | null;
  may_create: boolean;
  has_table: boolean;
  /** The rights to the table of tasks that this user lacks. */
  missing_rights: string[];
  /** Whether this user may migrate the table. */
  owns_table: boolean;
}

/** Tasks that should have gone on. Of many, only some are counted. */
export interface TaskState {
  /** Whose lease has ended for a while, with nobody taking over. */
  stuck: { id: number; type: string; since: string }[];
  /** That another program runs, or ran. */
  foreign: number;
  /** What is due, by type. */
  due: { type: string; count: number; since: string; overdue: boolean }[];
}

export async function serverState(database: Database): Promise<ServerState> {
  const [row] = await database.query<ServerState>(
    {
      text: `with the as (select to_regclass('"baasix_Tasks"') as tasks)
        select current_setting('server_version') as version, ${epochMs("clock_timestamp()")} as now_ms,
          pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only, current_user::text as user, current_schema()::text as schema,
          coalesce(has_schema_privilege(current_schema()::text, 'create'), false) as may_create,
          tasks is not null as has_table,
          array(select wanted from unnest(array['select', 'insert', 'update', 'delete']) as wanted
            where not has_table_privilege(tasks, wanted)) as missing_rights,
          coalesce((select pg_has_role(relowner, 'usage') from pg_class where oid = tasks), true) as owns_table
        from the`,
    },
    { repeatable: true },
  );
  // It has exactly one.
  return row as ServerState;
}

/** @param database with the schema of this code */
export async function taskState(database: Database): Promise<TaskState> {
  const [row] = await database.query<TaskState>(
    {
      text: `select
          coalesce((select json_agg(one) from (select id, type, lease_expires_at as since from "baasix_Tasks"
            where task_status = 'Running' and lease_expires_at < now() - ${milliseconds(OVERDUE_MS)}
            order by lease_expires_at limit ${SEEN_LIMIT}) one), '[]') as stuck,
          (select count(*)::int from "baasix_Tasks" where task_status = 'Running' and lease_token is null) as foreign,
          coalesce((select json_agg(one) from (select type, count(*)::int as count, min(scheduled_time) as since,
              min(scheduled_time) < now() - ${milliseconds(OVERDUE_MS)} as overdue
            from ${firstWaiting("scheduled_time <= now()", String(SEEN_LIMIT), "type, scheduled_time, id")} due
            group by type order by since) one), '[]') as due`,
    },
    { repeatable: true },
  );
  return row as TaskState;
}
