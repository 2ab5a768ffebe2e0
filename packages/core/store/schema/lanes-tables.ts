/**
 * Lanes: what waits in line, and what the function that starts them (`lanes-function.ts`) remembers.
 *
 * - **lane**: the waiting tasks of one type (in its version), queue, key and priority. What limits hold one of them back
 *   hold back all. They start in the order of their due times. A task with none of these but a type is *plain* and has no
 *   lane, unless its type has a limit.
 * - **pool**: the lanes of one type and queue: what is full for one of them is full for all
 * - **group**: the keys that begin alike, up to the first `/`; all tasks without a key are one. Its tag is its turn. It is
 *   awake while it has something due
 * - **entry**: a group that has something due in a pool, with a tag that may be one of the group's earlier ones
 * - **news**: what was written for a lane, in the writer's own transaction, which so touches nothing that others
 *   wait for; the function folds it in. `writer` is that transaction, so that what was folded in is not passed again.
 *
 * Only the function writes what is not news, one caller at a time.
 */

import { VERSIONED_TYPE } from "../fragments.ts";
import type { Index } from "./build-index.ts";

export const LANES_COLUMNS = {
  priority: "integer",
  queue: "varchar(255)",
  concurrency_key: "varchar(255)",
  lane: "uuid",
};

/** A table that was adopted may have columns of its own by these names, which mean something else. */
export const REFUSE_OTHERS = `
      if exists (select from pg_attribute where attrelid = to_regclass('"baasix_Tasks"') and not attisdropped
          and attname in ('priority', 'queue', 'concurrency_key'))
        and not exists (select from pg_attribute where attrelid = to_regclass('"baasix_Tasks"') and not attisdropped
          and attname = 'lane') then
        raise exception using errcode = 'duplicate_column',
          message = 'the table "baasix_Tasks" has a column of its own named priority, queue or concurrency_key; rename it, for Tickwork needs these names';
      end if;`;

/** Laned tasks, in the order in which those of a lane start. */
export const LANED: Index = {
  name: "tickwork_laned",
  on: `(lane, scheduled_time, id) where task_status = 'Not started' and lane is not null`,
};
/**
 * The same, in the order in which all of them are due: lists are sorted by it. `id > 0` keeps it to them, so that no
 * statement which looks for the first task of a lane takes it.
 */
export const LANED_DUE: Index = {
  name: "tickwork_laned_due",
  on: `(scheduled_time, id) where task_status = 'Not started' and lane is not null and id > 0`,
};
/** All others that wait. The claim and the window read it. */
export const PLAIN: Index = {
  name: "tickwork_plain",
  on: `(scheduled_time, id) where task_status = 'Not started' and lane is null`,
};

/** What gives a task its lane. `row` is its prefix. */
export const laneOf = (row: string) => `md5(json_build_array(${versioned(row)},
  ${row}queue, ${row}concurrency_key, coalesce(${row}priority, 0))::text)::uuid`;
export const versioned = (row: string) =>
  VERSIONED_TYPE.replace(/\b(version|type)\b/g, (name) => `${row}${name}`);

/** Not empty once a task had a lane. It has no unique index, or its first writers would wait for each other. */
export const LANES_USE_TABLE =
  "create table if not exists tickwork_lane_use (since timestamptz not null default now());";

export const LANES_TABLES = `
      ${LANES_USE_TABLE}
      create table if not exists tickwork_limits (
        kind text, name text, concurrency integer, rate integer, period_seconds double precision, burst boolean,
        weight double precision, updated_at timestamptz not null,
        -- At most so many starts in so much time: what the rate comes to.
        starts integer, span interval, primary key (kind, name));
      create table if not exists tickwork_declared_limits (kind text, name text, terms json not null, primary key (kind, name));
      create table if not exists tickwork_lane_news (
        lane uuid, versioned text, type text, queue text, key text, priority integer, due timestamptz);
      create table if not exists tickwork_lane_pools (
        pool integer generated always as identity primary key, versioned text not null, type text not null, queue text not null,
        next_at timestamptz not null, unique (versioned, queue)) with (fillfactor = 50);
      create table if not exists tickwork_lane_groups (name text primary key, tag double precision not null) with (fillfactor = 50);
      create table if not exists tickwork_lane_entries (
        pool integer, grp text, tag double precision not null, primary key (pool, grp));
      create index if not exists tickwork_lane_entries_first on tickwork_lane_entries (pool, tag, grp);
      create index if not exists tickwork_lane_entries_of on tickwork_lane_entries (grp);
      create table if not exists tickwork_lanes (
        lane uuid primary key, pool integer not null, grp text not null, key text not null, priority integer not null,
        rank timestamptz not null, next_at timestamptz not null, awake boolean not null);
      create index if not exists tickwork_lanes_first on tickwork_lanes (pool, grp, rank) where awake;
      create index if not exists tickwork_lanes_asleep on tickwork_lanes (next_at) where not awake;
      create index if not exists tickwork_lanes_next on tickwork_lanes (pool, next_at) where not awake;
      create table if not exists tickwork_lane_starts (kind text, name text, starts timestamptz[] not null, primary key (kind, name));
      create table if not exists tickwork_lane_state (
        one boolean primary key default true check (one), vtime double precision not null default 0,
        waits_for bigint[] not null default '{}');
      insert into tickwork_lane_state default values on conflict do nothing;`;

/** The transactions by which news were written. */
export const LANES_WRITER = `
      delete from tickwork_lane_news where lane is null;
      alter table tickwork_lane_news add column if not exists writer xid8 not null default pg_current_xact_id();
      create index if not exists tickwork_lane_news_writer on tickwork_lane_news (writer);
      alter table tickwork_lane_state add column if not exists folded_before xid8 not null default '0';`;

/**
 * Groups in the order of their turns, and the lanes of each, so that a claim finds what is next without looking at each
 * pool. Claims wait meanwhile.
 */
export const LANES_GROUPS = `
      perform from tickwork_lane_state for update;
      alter table tickwork_lane_groups add column if not exists awake boolean not null default false;
      update tickwork_lane_groups g set awake = true, tag = greatest(g.tag, e.tag)
        from (select grp, max(tag) as tag from tickwork_lane_entries group by grp) e where e.grp = g.name;
      create index if not exists tickwork_lane_groups_first on tickwork_lane_groups (tag, name) where awake;
      create index if not exists tickwork_lanes_of_group on tickwork_lanes (grp, rank) where awake;`;

const HAS_LANE = (row: string) =>
  `(${row}.queue is not null or ${row}.concurrency_key is not null or coalesce(${row}.priority, 0) <> 0)`;

/**
 * A function for a trigger, in the schema of the table. It has the rights of its owner, so that whoever may write tasks
 * needs none on the news.
 */
export const asOwner = (name: string, statements: string) => `execute replace($body$
        create or replace function @schema.${name}() returns trigger
          language plpgsql security definer set search_path = pg_catalog, pg_temp as $trigger$
        begin${statements}
          return new;
        end $trigger$ $body$, '@schema',
        (select relnamespace::regnamespace::text from pg_class where oid = to_regclass('"baasix_Tasks"')));`;

const CLAMPED = "new.priority := nullif(least(100, greatest(-100, coalesce(new.priority, 0))), 0);";
/** Gives a task its lane, and tells of it. */
const TELL = `
          if ${HAS_LANE("new")} or new.lane is not null then
            new.lane := ${laneOf("new.")};
          end if;
          if new.task_status = 'Not started' and new.lane is not null then
            if not exists (select from @schema.tickwork_lane_use) then insert into @schema.tickwork_lane_use default values; end if;
            insert into @schema.tickwork_lane_news (lane, versioned, type, queue, key, priority, due)
              values (new.lane, ${versioned("new.")}, new.type, coalesce(new.queue, ''), coalesce(new.concurrency_key, ''),
                coalesce(new.priority, 0), new.scheduled_time);
            -- In a database that was restored elsewhere, transactions may have lower numbers.
            update @schema.tickwork_lane_state set folded_before = '0' where folded_before > pg_current_xact_id();
          end if;`;

/** Statements for a row `new` that waits, and had been `old`. */
export const LANE_AFTER_UPDATE = `
          ${CLAMPED}
          if (old.task_status, old.scheduled_time, old.lane, old.type::text, old.version, old.queue::text, old.concurrency_key::text, old.priority)
              is not distinct from (new.task_status, new.scheduled_time, new.lane, new.type::text, new.version, new.queue::text, new.concurrency_key::text, new.priority) then
            return new;
          end if;
          -- What has a lane for its type alone keeps it.
          if not ${HAS_LANE("new")} and ${HAS_LANE("old")} then new.lane := null; end if;${TELL}`;

/** A plain row calls nothing. */
export const LANES_TRIGGER = `
      ${asOwner(
        "tickwork_lane_write",
        `
          ${CLAMPED}
          new.lane := null;${TELL}`,
      )}
      drop trigger if exists tickwork_lane_insert on "baasix_Tasks";
      create trigger tickwork_lane_insert before insert on "baasix_Tasks"
        for each row when (new.queue is not null or new.concurrency_key is not null or new.priority is not null
          or new.lane is not null) execute function tickwork_lane_write();`;

/** Run it once the triggers are new: to create them waits for each transaction that an earlier one served. */
export const LANES_USE = `
      insert into tickwork_lane_use select where not exists (select from tickwork_lane_use)
        and (exists (select from tickwork_lane_news) or exists (select from tickwork_lane_pools));`;
