/**
 * The table of schedules. `next_time` is the first occurrence that was not made yet; `more_time`, when more are to be
 * made although they are in the window; `current_task`, the occurrence that had its turn last.
 */
export const SCHEDULES = `
      create table if not exists tickwork_schedules (
        name text primary key,
        source text not null,
        cron text,
        every_seconds integer,
        time_zone text not null,
        type text not null,
        version integer,
        task_data json,
        catch_up text not null,
        overlap text not null,
        paused boolean not null,
        next_time timestamptz,
        more_time timestamptz,
        current_task bigint,
        rev bigint not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      );
      create index if not exists tickwork_schedules_next on tickwork_schedules (next_time) where next_time is not null;`;
