/** The table of tasks as Baasix makes it, and what has become of it. */
import type { TestBed } from "../bed/bed.ts";

interface Sql {
  sql(text: string, params?: unknown[]): Promise<unknown>;
}

export const BAASIX_TABLE = `create table "baasix_Tasks" (
  id serial primary key, task_status varchar(255) not null default 'Not started', type varchar(255) not null,
  scheduled_time timestamptz, attachment_id uuid, task_data json, result_data json, error_data json,
  status varchar(255) default 'published', "tenant_Id" uuid, "userCreated_Id" uuid, "userUpdated_Id" uuid,
  "createdAt" timestamptz not null, "updatedAt" timestamptz not null)`;

/** A table with so many rows; of each hundred, the first `running` are running and the last one waits. */
export async function makeBaasixTable(bed: Sql, { rows, running = 1 }: { rows: number; running?: number }) {
  await bed.sql(BAASIX_TABLE);
  await bed.sql(
    `insert into "baasix_Tasks" (task_status, type, scheduled_time, task_data, "createdAt", "updatedAt")
      select case when n % 100 < $2 then 'Running' when n % 100 = 99 then 'Not started'
          when n % 7 = 0 then 'Error' else 'Completed' end,
        'greet', timestamptz '2026-01-01T00:00:00Z' + n * interval '1 second', json_build_object('n', n),
        '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'
      from generate_series(0, $1::int - 1) n`,
    [rows, running],
  );
}

/** Everything that migrations make: columns, indexes, triggers, functions. */
export async function schemaOf(bed: Pick<TestBed, "sql">): Promise<unknown> {
  const columns = await bed.sql(
    `select table_name, column_name, udt_name, is_nullable, column_default from information_schema.columns
      where table_schema = 'public' order by table_name, ordinal_position`,
  );
  const indexes = await bed.sql(
    `select pg_get_indexdef(indexrelid) as definition, indisvalid as valid from pg_index
      join pg_class on pg_class.oid = indrelid where relnamespace = 'public'::regnamespace order by 1`,
  );
  const triggers = await bed.sql(
    `select pg_get_triggerdef(oid) as definition from pg_trigger where not tgisinternal order by 1`,
  );
  const functions = await bed.sql(
    `select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace order by 1`,
  );
  const applied = await bed.sql(`select id, name from tickwork_migrations order by id`);
  return { columns, indexes, triggers, functions, applied };
}
