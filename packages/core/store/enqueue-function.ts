/** `tickwork.enqueue`: enqueueing for whoever writes SQL, in whatever language, and inside of a transaction. */

import {
  JSON_DEPTH_LIMIT,
  MAX_ATTEMPTS_LIMIT,
  NAME_LIMIT,
  TASK_DATA_LIMIT_BYTES,
  VERSION_LIMIT,
} from "../limits.ts";
import { PG_CHANNEL, RING_OF_TRANSACTIONS } from "../ring-of-transactions.ts";
import { insertOf } from "./insert.ts";

const OPTIONS = ["max_attempts", "attachment_id", "user_id", "version"];
const OPTION_NAMES = OPTIONS.join(", ");

const refuse = (message: string, hint: string, ...values: string[]) =>
  `raise exception using errcode = 'invalid_parameter_value', hint = '${hint}',
            message = format('${message}'${values.map((value) => `, ${value}`).join("")})`;
const textOption = (name: string) => `
          if json_typeof(options->'${name}') <> 'null' and (json_typeof(options->'${name}') <> 'string'
            or length(options->>'${name}') not between 1 and ${NAME_LIMIT}) then
            ${refuse(`options.${name} must be a string of 1 to ${NAME_LIMIT} characters, got %s`, "Leave it out where there is none.", `left((options->'${name}')::text, 80)`)};
          end if;`;

const countOption = (name: string, limit: number, hint: string) => `
          if json_typeof(options->'${name}') <> 'null' and (json_typeof(options->'${name}') <> 'number'
            or (options->>'${name}')::numeric not between 1 and ${limit} or (options->>'${name}')::numeric % 1 <> 0) then
            ${refuse(`options.${name} must be a whole number from 1 to ${limit}, got %s`, hint, `left((options->'${name}')::text, 80)`)};
          end if;`;

const TASK = `json_build_array(json_build_object('type', $1, 'task_data', $2, 'scheduled_time', coalesce($3, now()),
            'max_attempts', options->'max_attempts', 'attachment_id', options->'attachment_id',
            'userCreated_Id', options->'user_id', 'version', options->'version'))`;

/** The table by its schema, which is put in place of `@schema`: its name alone would be looked for. */
const qualified = (insert: string) => insert.replace(/(into |::)"baasix_Tasks"/g, '$1@schema."baasix_Tasks"');

const BODY = `
        declare
          made_id bigint;
          brackets text;
          depth bigint;
          unknown_option text;
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
          ${countOption("max_attempts", MAX_ATTEMPTS_LIMIT, "Leave it out for the default of the type.")}
          ${countOption("version", VERSION_LIMIT, "It is the version of the task definition; left out, it is 1.")}
          ${textOption("attachment_id")}
          ${textOption("user_id")}
          with made as (${qualified(insertOf(TASK))}) select id into made_id from made;
          perform pg_notify('${PG_CHANNEL}', '${RING_OF_TRANSACTIONS}');
          return made_id;
        end `;

/**
 * Makes the schema `tickwork` and the function in it, as far as the rights of whoever migrates go: what has no right to
 * make a schema does without, and nothing else of Tickwork needs it. The function has the rights of whoever made it, so
 * that a role may enqueue without any on the table: which role that is, its owner says. So it finds nothing by a search path:
 * in a schema where others may create functions, it would call theirs with its own rights.
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
