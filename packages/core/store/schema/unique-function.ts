/**
 * Tasks with a unique key. A unique index keeps a key from being held twice, whatever writes the row; the function
 * creates tasks by it.
 */
import { UNIQUE_TRIES, WINDOW_LIMIT_BYTES } from "../../limits.ts";
import { orOmitting } from "../fragments.ts";
import type { Index } from "./build-index.ts";

/**
 * Whether a task has its key. With `waiting` it has it until a worker first takes it: a task that waits for its next
 * attempt must not need the key again, for another may have it by then. An index cannot know that a number of seconds
 * is over: the next task with the key frees it.
 */
export const HAS_KEY = `unique_key is not null and (unique_for = '"waiting"' and task_status = 'Not started' and started_at is null
  or unique_for = '"unfinished"' and task_status in ('Not started', 'Running') or jsonb_typeof(unique_for) = 'number')`;

/** One task at a time has a key of a type. Rows without a key are not in it. */
export const UNIQUE: Index = {
  name: "tickwork_unique",
  unique: true,
  on: `(type, unique_key) where ${HAS_KEY}`,
};

const IS_OVER = `case when jsonb_typeof(t.unique_for) = 'number'
  then t."createdAt" + t.unique_for::float8 * interval '1 second' <= made_at else false end`;
const HOLDER = `t.type = wanted.type and t.unique_key = wanted.unique_key and ${HAS_KEY}`;
const WAITS = `${HOLDER} and t.task_status = 'Not started' and not ${IS_OVER}`;
const CHANGED = `"userUpdated_Id" = coalesce(wanted."userCreated_Id", t."userUpdated_Id"), "updatedAt" = made_at`;
/** `least` passes over what is null: without a longest wait the due time is the new one. */
const DUE = `least(wanted.scheduled_time, t."createdAt" + (entry.given->>'longest_wait_seconds')::float8 * interval '1 second')`;

/**
 * Creates the tasks of a JSON array as if each came after the one before it, and answers in their order: what became of
 * each, and the row as it is in the end. Of keys that were over it answers too who had them, without a number: for the
 * row has changed.
 *
 * Each statement of a function sees what was committed before it. So where another process takes or frees a key at the
 * same time, the next look sees it, in the same round trip: the insert decides by the index, and waits for a
 * transaction that is about to take the key. Keys are taken in order, so that no two requests wait for each other; the
 * ids were dealt out before, so that they grow in the order of the array. A task that keeps its key is not locked: a
 * transaction that stays open must not hold up its worker.
 */
const BODY = `
        #variable_conflict use_variable
        declare
          entry record;
          wanted @schema."baasix_Tasks";
          ids_of text := pg_get_serial_sequence('@schema."baasix_Tasks"', 'id');
          holder_id bigint;
          kept json;
          became text;
          tries int;
          numbers bigint[] := '{}';
          ids bigint[] := '{}';
          outcomes text[] := '{}';
          rows_kept json[] := '{}';
        begin
          if ids_of is null then
            raise exception using errcode = 'object_not_in_prerequisite_state',
              message = 'a unique key needs a sequence that belongs to the column id of "baasix_Tasks"',
              hint = 'alter sequence … owned by "baasix_Tasks".id';
          end if;
          for entry in
            with numbered as materialized (
              select ordinality, value as given, nextval(ids_of) as id from json_array_elements(tasks) with ordinality)
            select * from numbered order by given->>'type', given->>'unique_key', ordinality
          loop
            wanted := json_populate_record(null::@schema."baasix_Tasks", entry.given);
            wanted.scheduled_time := coalesce(wanted.scheduled_time, made_at);
            kept := null;
            tries := 0;
            loop
              became := 'created';
              holder_id := entry.id;
              insert into @schema."baasix_Tasks" (id, task_status, type, scheduled_time, attachment_id, task_data, max_attempts,
                  version, "userCreated_Id", "createdAt", "updatedAt", rev, unique_key, unique_for, priority, queue, concurrency_key)
                values (entry.id, 'Not started', wanted.type, wanted.scheduled_time, wanted.attachment_id, wanted.task_data,
                  wanted.max_attempts, nullif(wanted.version, 1), wanted."userCreated_Id", made_at, made_at, 1, wanted.unique_key, wanted.unique_for,
                  nullif(wanted.priority, 0), wanted.queue, wanted.concurrency_key)
                on conflict (type, unique_key) where ${HAS_KEY} do nothing;
              exit when found;
              if entry.given->>'on_conflict' = 'replace' then
                became := 'replaced';
                update @schema."baasix_Tasks" t set scheduled_time = ${DUE}, task_data = wanted.task_data,
                    attachment_id = wanted.attachment_id, max_attempts = wanted.max_attempts, version = nullif(wanted.version, 1),
                    priority = nullif(wanted.priority, 0), queue = wanted.queue, concurrency_key = wanted.concurrency_key, ${CHANGED}
                  where ${WAITS} returning t.id into holder_id;
                exit when found;
              elsif entry.given->>'on_conflict' = 'postpone' then
                became := 'postponed';
                update @schema."baasix_Tasks" t set scheduled_time = ${DUE}, ${CHANGED}
                  where ${WAITS} and ${DUE} > t.scheduled_time returning t.id into holder_id;
                exit when found;
              end if;
              became := 'kept';
              select t.id, row_to_json(t.*) into holder_id, kept from @schema."baasix_Tasks" t where ${HOLDER} and not ${IS_OVER};
              exit when found;
              update @schema."baasix_Tasks" t set unique_for = null, rev = t.rev + 1 where ${HOLDER} and ${IS_OVER}
                returning t.id into holder_id;
              if found then
                numbers := numbers || null::bigint;
                ids := ids || holder_id;
                outcomes := outcomes || null::text;
                rows_kept := rows_kept || null::json;
              end if;
              tries := tries + 1;
              if tries = ${UNIQUE_TRIES} then
                raise exception using errcode = 'serialization_failure',
                  message = format('the unique key %s is taken and freed all the time', quote_literal(wanted.unique_key));
              end if;
            end loop;
            numbers := numbers || entry.ordinality;
            ids := ids || holder_id;
            outcomes := outcomes || case when wanted.unique_key is not null then became end;
            rows_kept := rows_kept || kept;
          end loop;
          return query select a.n, a.outcome, ${orOmitting("a.task", String(WINDOW_LIMIT_BYTES))}
            from (select r.n, r.outcome, coalesce(row_to_json(t.*), r.kept) as task
              from unnest(numbers, outcomes, ids, rows_kept) as r (n, outcome, id, kept)
              left join @schema."baasix_Tasks" t on t.id = r.id) a
            order by a.n;
        end `;

/** Makes the function in the schema of the table, which it names: it works whatever the search path. */
export const UNIQUE_FUNCTION = `
      execute replace($body$
        create or replace function @schema.tickwork_insert_unique(tasks json, made_at timestamptz)
        returns table (n bigint, outcome text, task json) language plpgsql as $unique$
        ${BODY} $unique$ $body$, '@schema',
        (select relnamespace::regnamespace::text from pg_class where oid = to_regclass('"baasix_Tasks"')));`;
