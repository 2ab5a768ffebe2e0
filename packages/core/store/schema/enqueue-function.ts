/** `tickwork.enqueue`: enqueueing for whoever writes SQL, in whatever language, and inside of a transaction. */

import { PRIORITY_LIMIT } from "../../lane-limits.ts";
import {
  JSON_DEPTH_LIMIT,
  MAX_ATTEMPTS_LIMIT,
  NAME_LIMIT,
  TASK_DATA_LIMIT_BYTES,
  UNIQUE_SECONDS_MAX,
  VERSION_LIMIT,
} from "../../limits.ts";
import { PG_CHANNEL, RING_OF_TRANSACTIONS } from "../../ring-of-transactions.ts";
import { ON_CONFLICT, UNIQUE_FOR } from "../../tasks/task.ts";
import { insertOf } from "../insert.ts";

const UNIQUE_OPTIONS = ["unique_key", "unique_for", "on_conflict", "longest_wait_seconds"];
const OPTIONS = [
  "max_attempts",
  "attachment_id",
  "user_id",
  "version",
  "priority",
  "queue",
  "concurrency_key",
  ...UNIQUE_OPTIONS,
];
const OPTION_NAMES = OPTIONS.join(", ");

const refuse = (message: string, hint: string, ...values: string[]) =>
  `raise exception using errcode = 'invalid_parameter_value', hint = '${hint}',
            message = format('${message}'${values.map((value) => `, ${value}`).join("")})`;
const textOption = (name: string) => `
          if json_typeof(options->'${name}') <> 'null' and (json_typeof(options->'${name}') <> 'string'
            or length(options->>'${name}') not between 1 and ${NAME_LIMIT}) then
            ${refuse(`options.${name} must be a string of 1 to ${NAME_LIMIT} characters, got %s`, "Leave it out where there is none.", `left((options->'${name}')::text, 80)`)};
          end if;`;

const wrong = (name: string) => `left((options->'${name}')::text, 80)`;
const isWhole = (name: string, max: number, min = 1) => `(case when json_typeof(options->'${name}') = 'number'
            then (options->>'${name}')::numeric between ${min} and ${max} and (options->>'${name}')::numeric % 1 = 0 else false end)`;
const wholeOption = (name: string, max: number, hint: string, min = 1) => `
          if json_typeof(options->'${name}') <> 'null' and not ${isWhole(name, max, min)} then
            ${refuse(`options.${name} must be a whole number from ${min} to ${max}, got %s`, hint, wrong(name))};
          end if;`;
const listed = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");
const named = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");

/** As `contradictions` in `tasks/uniqueness.ts`. */
const UNIQUENESS = `
          on_conflict := coalesce(options->>'on_conflict', 'keep');
          if json_typeof(options->'unique_for') <> 'null' and not ${isWhole("unique_for", UNIQUE_SECONDS_MAX)}
            and options->>'unique_for' not in (${listed(UNIQUE_FOR)}) then
            ${refuse(`options.unique_for must be ${named(UNIQUE_FOR)} or a whole number of seconds from 1 to ${UNIQUE_SECONDS_MAX}, got %s`, "Leave it out for waiting.", wrong("unique_for"))};
          end if;
          if on_conflict not in (${listed(ON_CONFLICT)}) then
            ${refuse(`options.on_conflict must be one of ${named(ON_CONFLICT)}, got %s`, "Leave it out for keep.", wrong("on_conflict"))};
          end if;
          if options->>'unique_key' is null and coalesce(options->>'unique_for', options->>'on_conflict', options->>'longest_wait_seconds') is not null then
            ${refuse("options.unique_key must be given with unique_for, on_conflict and longest_wait_seconds, got none", "Without a key a task is like no other.")};
          end if;
          if options->>'longest_wait_seconds' is not null and on_conflict = 'keep' then
            ${refuse(`options.longest_wait_seconds must come with on_conflict "postpone" or "replace", got "keep"`, "What is kept is not moved.")};
          end if;
          if on_conflict <> 'keep' and json_typeof(options->'unique_for') = 'number' then
            ${refuse(`options.on_conflict must be "keep" with unique_for in seconds, got "%s"`, "When its seconds are not over, the task may have run already.", "on_conflict")};
          end if;
          if on_conflict = 'postpone' and options->>'longest_wait_seconds' is null then
            ${refuse(`options.longest_wait_seconds must be given with on_conflict "postpone", got none`, "Without it, a task that is postponed again and again never runs.")};
          end if;`;

const TASK = `json_build_array(json_build_object('type', $1, 'task_data', $2, 'scheduled_time', coalesce($3, now()),
            'max_attempts', options->'max_attempts', 'attachment_id', options->'attachment_id',
            'userCreated_Id', options->'user_id', 'version', options->'version', 'priority', options->'priority',
            'queue', options->'queue', 'concurrency_key', options->'concurrency_key'))`;
const UNIQUE_TASK = TASK.replace(
  "options->'user_id'",
  `options->'user_id',
            'unique_key', options->'unique_key', 'on_conflict', on_conflict, 'longest_wait_seconds', options->'longest_wait_seconds',
            'unique_for', case when options->>'unique_for' is null then '"waiting"' else options->'unique_for' end`,
);

/** The table by its schema, which is put in place of `@schema`: its name alone would be looked for. */
const qualified = (insert: string) => insert.replace(/(into |::)"baasix_Tasks"/g, '$1@schema."baasix_Tasks"');

const BODY = `
        declare
          made_id bigint;
          brackets text;
          depth bigint;
          unknown_option text;
          on_conflict text;
        begin
          if type is null or length(type) not between 1 and ${NAME_LIMIT} then
            ${refuse(`type must be a string of 1 to ${NAME_LIMIT} characters, got %s`, "It is the name of a task definition.", "coalesce(quote_literal(left(type, 80)), 'null')")};
          end if;
          if octet_length(data::text) > ${TASK_DATA_LIMIT_BYTES} then
            ${refuse(`data must have at most ${TASK_DATA_LIMIT_BYTES} bytes as JSON, got %s`, "Store the data elsewhere and give its address.", "octet_length(data::text)")};
          end if;
          -- Text that is no text, such as U+0000 or half a surrogate pair, is refused here.
          perform data::jsonb;
          brackets := regexp_replace(regexp_replace(data::text, '"(\\\\.|[^"\\\\])*"', '', 'g'), '[^][{}]', '', 'g');
          if length(brackets) > ${2 * JSON_DEPTH_LIMIT} then
            select max(level) into depth from (
              select sum(case when c in ('{', '[') then 1 else -1 end) over (order by n) as level
              from regexp_split_to_table(brackets, '') with ordinality as b (c, n)) levels;
            if depth > ${JSON_DEPTH_LIMIT} then
              ${refuse(`data must be nested at most ${JSON_DEPTH_LIMIT} levels deep, got %s`, "Store the data elsewhere and give its address.", "depth")};
            end if;
          end if;
          if at is not null and not isfinite(at) then
            ${refuse("at must be a time, got %s", "Leave it out for now.", "at")};
          end if;
          options := coalesce(options, '{}');
          if json_typeof(options) <> 'object' then
            ${refuse("options must be a JSON object, got %s", `Options are: ${OPTION_NAMES}.`, "left(options::text, 80)")};
          end if;
          select name into unknown_option from json_object_keys(options) as given (name)
            where name <> all (array[${OPTIONS.map((name) => `'${name}'`).join(", ")}]) limit 1;
          if unknown_option is not null then
            ${refuse("options.%s is not an option", `Options are: ${OPTION_NAMES}.`, "left(unknown_option, 80)")};
          end if;
          ${wholeOption("max_attempts", MAX_ATTEMPTS_LIMIT, "Leave it out for the default of the type.")}
          ${wholeOption("version", VERSION_LIMIT, "It is the version of the task definition; left out, it is 1.")}
          ${textOption("attachment_id")}
          ${textOption("user_id")}
          ${textOption("unique_key")}
          ${textOption("queue")}
          ${textOption("concurrency_key")}
          ${wholeOption("priority", PRIORITY_LIMIT, "Leave it out for 0.", -PRIORITY_LIMIT)}
          if options->>'concurrency_key' like '/%' or options->>'concurrency_key' = '*' then
            ${refuse("options.concurrency_key must not begin with / nor be *, got %s", "A group is what comes before the first /.", wrong("concurrency_key"))};
          end if;
          ${wholeOption("longest_wait_seconds", UNIQUE_SECONDS_MAX, "It is counted from the creation of the task that waits.")}
          ${UNIQUENESS}
          if options->>'unique_key' is not null then
            select (made.task->>'id')::bigint into made_id
              from @schema.tickwork_insert_unique(${UNIQUE_TASK}, now()) made where made.n is not null;
          else
            with made as (${qualified(insertOf(TASK))}) select id into made_id from made;
          end if;
          perform pg_notify('${PG_CHANNEL}', '${RING_OF_TRANSACTIONS}');
          return made_id;
        end `;

/**
 * Makes the schema `tickwork` and the function in it, as far as the rights of whoever migrates go: what has no right to
 * make a schema does without, and nothing else of Tickwork needs it. The function has the rights of whoever made it, so
 * that a role may enqueue without any on the table: which role that is, its owner says. So it finds nothing by a search
 * path: in a schema where others may create functions, it would call theirs with its own rights.
 */
export const ENQUEUE_FUNCTION = `
      if to_regnamespace('tickwork') is null and has_database_privilege(current_database(), 'CREATE') then
        create schema tickwork;
      end if;
      if to_regnamespace('tickwork') is not null and has_schema_privilege('tickwork', 'CREATE') then
        execute format($create$
          create or replace function tickwork.enqueue(type text, data json default null, at timestamptz default now(), options json default '{}')
          returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $enqueue$
          #variable_conflict use_variable
          %s $enqueue$ $create$,
          replace($body$${BODY}$body$, '@schema',
            (select relnamespace::regnamespace::text from pg_class where oid = to_regclass('"baasix_Tasks"'))));
        revoke all on function tickwork.enqueue(text, json, timestamptz, json) from public;
      end if;`;
