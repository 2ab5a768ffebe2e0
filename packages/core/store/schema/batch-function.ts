/**
 * The function behind the statement of a batch (`batch.ts`): it writes how attempts ended, and leases what is due next.
 * Its plans are kept for as long as a connection is, and none of them can be one that reads or sorts all that waits.
 *
 * 1. The ends are written, by token. Where none was, nothing is leased: a statement that is done late, after its
 *    repetition, changes nothing.
 * 2. The slot goes to `next_leader`, a task that stays: so the unique index always has one row of a batch, and a worker that lost
 *    its lease leases nothing more.
 * 3. What is due is looked at in its order: the tasks of types that run in batches, until another comes, or one whose worker
 *    died, for that one runs alone. Where nothing stays leased, the first is leased whatever it is, and has the slot.
 * 4. Only those are locked, and leased if they are as they were looked at. Who else is at one of them keeps it.
 */
import {
  epochMs,
  HAS_ROOM_BESIDE,
  inFunction,
  MINE,
  milliseconds,
  STARTABLE,
  VERSIONED_TYPE,
  withHistory,
} from "../fragments.ts";
import { LANES_BUSY, UNLIMITED } from "../lanes.ts";
import { PLAIN_OR_WHOLE } from "../plain-row.ts";

/** The same, of rows that are named. Written this way each is found by its id, and not among all that run. */
const MINE_BY_ID = `nullif(${MINE}, false) is not null`;
const ENDED_LEASE = `slot = null, lease_token = null, lease_expires_at = null, cancel_requested = false, "updatedAt" = now()`;
/** Never before its lease, nor in the future: the worker measured how long ago it was. */
const ago = (ms: string) => `greatest(t.started_at, now() - ${milliseconds(ms)})`;

/** What is in a lane, or gets one, is started alone; and while something there may start, so is all else: it has its turn. */
const DUE = `task_status = 'Not started' and lane is null and scheduled_time <= now() and ${STARTABLE} and ${UNLIMITED}`;
/** The size of the batches of the row's type; null where it runs in none. */
const SIZE = `batch_sizes[array_position(batch_types, (${VERSIONED_TYPE})::text)]`;

const BODY = `
declare
  done int := 0; n int := 0; total bigint := 0; alike boolean := true; fitting bigint; one record;
  found_ids bigint[]; found_revs bigint[]; found_tasks json[]; leased bigint[];
begin
  led := true;
  now_ms := ${epochMs("now()")};
  if cardinality(done_ids) > 0 then
    with completed as (
      update "baasix_Tasks" t set task_status = 'Completed', result_data = nullif(e.result, '')::json, error_data = null, progress = 1,
        lateness = nullif(e.late, '')::jsonb, started_at = ${ago("e.started")}, finished_at = ${ago("e.finished")}, ${ENDED_LEASE}, rev = t.rev + 1
      from unnest(done_ids, done_results, done_lateness, done_started, done_finished) as e (id, result, late, started, finished)
      where t.id = e.id and ${MINE_BY_ID}
      returning t.id, t.rev)
    select array_to_json(array_agg(id)), array_to_json(array_agg(rev)), count(*) into ids, revs, done from completed;
  end if;
  if json_array_length(other_ends) > 0 then
    with ended as (
      update "baasix_Tasks" t set task_status = (e.columns).task_status, error_data = (e.columns).error_data,
        result_data = null, progress = null, lateness = (e.columns).lateness,
        history = case when e.one->>'record' is null then history else ${withHistory("(e.one->'record')::jsonb")} end,
        scheduled_time = case when e.one->>'delayMs' is null then scheduled_time
          else now() + ${milliseconds("(e.one->>'delayMs')::float8")} end,
        attempts = t.attempts + (e.one->>'attempts')::int, crashes = t.crashes + (e.one->>'crashes')::int,
        excused = t.excused + (e.one->>'excused')::int,
        started_at = case when e.one->>'started' is null then t.started_at else ${ago("(e.one->>'started')::float8")} end,
        finished_at = case when (e.columns).task_status = 'Error' then ${ago("(e.one->>'finished')::float8")} end,
        -- What waits again is the trigger's: it may have a lane, or was to stop.
        ${ENDED_LEASE}, rev = t.rev + ((e.columns).task_status <> 'Not started')::int
      from (select value as one, json_populate_record(null::"baasix_Tasks", value->'columns') as columns
        from json_array_elements(other_ends)) e
      where t.id = (e.columns).id and ${MINE_BY_ID}
      returning t.id, t.rev, t.scheduled_time, t.task_status)
    select json_agg(json_build_array(id, rev, ${epochMs("scheduled_time")}, task_status)), done + count(*) into others, done from ended;
  end if;
  if next_leader is not null then
    update "baasix_Tasks" set slot = my_slot, rev = rev + 1 where id = next_leader and ${MINE_BY_ID};
    led := found;
  end if;
  if new_token is null or done = 0 or not led or ${LANES_BUSY} or not ${HAS_ROOM_BESIDE("my_tokens")} then
    return next;
    return;
  end if;
  for one in select id, rev, ${SIZE} as size, ${SIZE} is not null and crashes = 0 and schedule is null as alike, ${PLAIN_OR_WHOLE("t")} as task
    from "baasix_Tasks" t where ${DUE} order by scheduled_time, id limit most
  loop
    n := n + 1;
    total := total + octet_length(one.task::text);
    alike := alike and one.alike;
    fitting := least(fitting, one.size);
    exit when n > 1 and total > most_bytes or not (alike and n + holding <= fitting or n = 1 and next_leader is null);
    found_ids := found_ids || one.id;
    found_revs := found_revs || one.rev;
    found_tasks := found_tasks || one.task;
    exit when not alike;
  end loop;
  select array_agg(id order by place) into leased from (
    select t.id, f.place from unnest(found_ids, found_revs) with ordinality f (id, rev, place)
      join "baasix_Tasks" t on t.id = f.id and t.rev = f.rev and nullif(t.task_status = 'Not started', false) is not null for update of t skip locked) locked;
  update "baasix_Tasks" set task_status = 'Running', slot = case when next_leader is null and id = leased[1] then my_slot end,
    lease_token = new_token, lease_expires_at = now() + ${milliseconds("lease_ms")}, attempts = attempts + 1,
    started_at = now(), finished_at = null, progress = null, cancel_requested = false, "updatedAt" = now(), rev = rev + 1
    where id = any(leased);
  if cardinality(leased) = cardinality(found_ids) then
    tasks := array_to_json(found_tasks);
  else
    select json_agg(f.task order by f.place) into tasks
      from unnest(found_ids, found_tasks) with ordinality f (id, task, place) where f.id = any(leased);
  end if;
  return next;
end `;

/** The names that parts of statements use, as the function has them. */
const PARAMETERS: Readonly<Record<string, string>> = {
  ":tokens": "my_tokens",
  ":slots": "all_slots",
  ":slot": "my_slot",
  ":ours": "ours",
  ":whole": "whole",
  "now()": "moment",
};

export const BATCH_FUNCTION = `
      create or replace function tickwork_batch(moment timestamptz, my_tokens text[], done_ids bigint[], done_results text[], done_lateness text[],
          done_started float8[], done_finished float8[], other_ends json, next_leader bigint, my_slot int, all_slots int, new_token text,
          lease_ms float8, most int, holding int, batch_types text[], batch_sizes bigint[], most_bytes bigint, ours text[], whole boolean)
        returns table (ids json, revs json, others json, tasks json, led boolean, now_ms float8) language plpgsql
        set enable_seqscan = off set enable_sort = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
        set jit = off set plan_cache_mode = force_generic_plan as $batch$
        #variable_conflict use_variable
        ${inFunction(BODY, PARAMETERS)} $batch$;`;
