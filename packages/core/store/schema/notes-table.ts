/**
 * The table of notes. It stands apart from their statements, so that migrating loads none of these.
 *
 * `created` is that of the task: after a `truncate … restart identity`, other tasks have the ids, and must not find the
 * notes of those before.
 */
export const NOTES_TABLE = `
  create table if not exists tickwork_notes (
    task_id bigint, name text, created timestamptz, value jsonb not null, primary key (task_id, name));
  create or replace function tickwork_forget_notes() returns trigger language plpgsql as $trigger$
      begin
        delete from tickwork_notes where task_id in (select id from gone);
        return null;
      end $trigger$;
  if not exists (select from pg_trigger where tgrelid = '"baasix_Tasks"'::regclass and tgname = 'tickwork_after_delete') then
    create trigger tickwork_after_delete after delete on "baasix_Tasks" referencing old table as gone
      for each statement execute function tickwork_forget_notes();
  end if;`;
