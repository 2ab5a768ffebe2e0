import { SLEEPER_MARGIN_MS, UNKNOWN_COUNTED } from "../limits.ts";
import type { Database, Statement } from "../store/database.ts";
import {
  epochMs,
  firstWaiting,
  milliseconds,
  NEXT_DUE_MS,
  NOW_MS,
  WAITS_FOR_CODE,
  WINDOW,
} from "../store/fragments.ts";
import { LANES_NEXT_MS } from "../store/lanes.ts";
import { PAUSES_AS_JSON, type PauseRow, pauseOf } from "../store/pauses.ts";
import { typesToSend } from "../store/registered-types.ts";
import { queryRepeatable, statement } from "../store/statement.ts";
import type { KnownTypes } from "../tasks/standing.ts";
import { type Asking, type Decision, type Gate, type GateOptions, OPERATOR } from "./gate.ts";

/** Takes the flag if nobody holds it, or extends one's own. */
const UNLESS_HELD = `on conflict (name) do update set token = excluded.token, expires_at = excluded.expires_at
  where tickwork_flags.expires_at <= now() or tickwork_flags.token = excluded.token`;

const FLAGS = { token: "text", slots: "int", flagTtlMs: "float8" } as const;

/**
 * Looks at what is due, takes a free flag or gives it back, and says when to come again. The caller holds the flag of
 * `:slot`, and would sleep for `:napMs`. With `:release` it gives its flag back whatever is due, and sleeps no more.
 */
export const GATE = statement({
  ...FLAGS,
  napMs: "float8",
  slot: "int?",
  release: "boolean",
  ours: "text[]",
})`
  with due as (select least(${NEXT_DUE_MS}, ${LANES_NEXT_MS}) as at_ms, ${NOW_MS}),
  held as (select name, token, expires_at from tickwork_flags
    where expires_at > now() and name like 'slot:%' and not (token = :token)),
  free as (select min(s) as slot, count(*) as slots from generate_series(0, :slots - 1) s
    where 'slot:' || s not in (select name from held)),
  wants as (select not :release and at_ms <= now_ms as now, free.slot, free.slots, at_ms, now_ms from due, free),
  taken as (insert into tickwork_flags (name, token, expires_at)
    select 'slot:' || coalesce(:slot, slot), :token, now() + ${milliseconds(":flagTtlMs")} from wants where wants.now and slot is not null
    ${UNLESS_HELD}
    returning name),
  released as (delete from tickwork_flags where token = :token
    and case when name = 'sleeper' then :release else not exists (select from wants where wants.now) end
    returning name),
  asleep as (insert into tickwork_flags (name, token, wake_at_ms, expires_at)
    select 'sleeper', :token, at_ms, now() + ${milliseconds(`(at_ms - now_ms + ${SLEEPER_MARGIN_MS})`)} from wants
    where not :release and at_ms > now_ms and at_ms - now_ms <= :napMs
    on conflict (name) do update set token = excluded.token, wake_at_ms = excluded.wake_at_ms, expires_at = excluded.expires_at
      where tickwork_flags.expires_at <= now() or tickwork_flags.token = excluded.token
        or tickwork_flags.wake_at_ms > excluded.wake_at_ms
    returning name)
  select wants.now as due, at_ms, now_ms, slots::int,
    (select substr(name, 6)::int from taken) as slot, exists (select from asleep) as asleep,
    (select min(${epochMs("expires_at")}) from held) as free_ms,
    (select wake_at_ms from tickwork_flags where name = 'sleeper' and token <> :token and expires_at > now()) as wake_ms
  from wants`;

interface GateRow {
  due: boolean | null;
  at_ms: number | null;
  now_ms: number;
  slots: number;
  slot: number | null;
  asleep: boolean;
  free_ms: number | null;
  /** When the other tick that sleeps wakes up. */
  wake_ms: number | null;
}

export const RENEW_FLAG = statement({ token: "text", slot: "int", flagTtlMs: "float8" })`
  insert into tickwork_flags (name, token, expires_at) values ('slot:' || :slot, :token, now() + ${milliseconds(":flagTtlMs")})
  ${UNLESS_HELD}
  returning name`;

/** Takes every flag if nobody else holds any and no task runs. Two that try at once may both fail. */
export const HOLD = statement(FLAGS)`
  insert into tickwork_flags (name, token, expires_at)
  select 'slot:' || s, :token, now() + ${milliseconds(":flagTtlMs")} from generate_series(0, :slots - 1) s
  where not exists (select from tickwork_flags where name like 'slot:%' and expires_at > now() and token <> :token)
    and not exists (select from "baasix_Tasks" where task_status = 'Running' and lease_token is not null and lease_expires_at > now())
  ${UNLESS_HELD}
  returning name`;

export const LET_GO = statement({ token: "text" })`
  delete from tickwork_flags where name like 'slot:%' and token = :token returning name`;

/** The operator's override: holds every free flag. */
export const HOLD_ALL = statement(FLAGS)`
  insert into tickwork_flags (name, token, expires_at)
  select 'slot:' || s, :token, now() + ${milliseconds(":flagTtlMs")} from generate_series(0, :slots - 1) s
  ${UNLESS_HELD}`;

/** The operator's override: releases every flag, whoever holds it. */
export const RELEASE_ALL = statement({})`delete from tickwork_flags where name like 'slot:%'`;

/** What other programs run holds no flag in Redis either. While Redis is out of reach, leases tell what it would. */
const RUNNING = `exists (select from "baasix_Tasks" where task_status = 'Running' and lease_token is not null and lease_expires_at > now())
  or exists (select from tickwork_flags where name like 'slot:%' and expires_at > now()) as running`;

export const IS_RUNNING = statement({})`select ${RUNNING}`;

/** When there is no cache, nothing else remembers that the window was read. */
export const NOTE_REFRESH = statement({})`
  insert into tickwork_flags (name, token, wake_at_ms, expires_at) values ('refreshed', '', ${epochMs("now()")}, 'infinity')
  on conflict (name) do update set wake_at_ms = excluded.wake_at_ms`;

/**
 * The first count ends at `:limit`, and the second is of the tasks that have been due for longest, where those are that
 * nobody runs: a count of all that waits would take the longer the more there are.
 */
export const STATS = statement({ limit: "int", ours: "text[]", foreign: "text[]" })`
  select (select wake_at_ms from tickwork_flags where name = 'refreshed') as refreshed_ms,
    (select count(*)::int from ${firstWaiting(`scheduled_time <= now() + ${WINDOW}`, ":limit", "scheduled_time, id")} w) as waiting,
    (${PAUSES_AS_JSON}) as pauses, code.*, ${RUNNING}
  from (select count(*)::int as waiting_for_code, ${epochMs("min(scheduled_time)")} as code_since_ms
    from ${firstWaiting("scheduled_time <= now()", String(UNKNOWN_COUNTED), "type, version, scheduled_time, id")} u
    where ${WAITS_FOR_CODE}) code`;

interface StatsRow {
  refreshed_ms: number | null;
  waiting: number;
  waiting_for_code: number;
  pauses: PauseRow[];
  code_since_ms: number | null;
  running: boolean;
}

/**
 * The gate on Postgres alone, for `CACHE_ENABLED=false` and for when Redis is out of reach: the flags and the sleeper
 * are rows, nothing is cached, and a look costs one query.
 */
export function createPostgresGate(database: Database, options: GateOptions, types: KnownTypes): Gate {
  const { slots, flagTtlMs, operatorTtlMs, limit, earlyMs } = options;
  const query = <Row>(request: Statement) => queryRepeatable<Row>(database, request);
  const look = async ({ token, napMs }: Asking, slot: number | null, release: boolean) => {
    const [row] = await query<GateRow>(
      GATE({ token, flagTtlMs, slots, napMs, slot, release, ours: await typesToSend({ database, types }) }),
    );
    if (!row) throw new Error("the gate must answer one row, got none");
    return row;
  };
  const decide = (row: GateRow, napMs: number): Decision => {
    const next = row.at_ms === null ? undefined : { atMs: row.at_ms, inMs: row.at_ms - row.now_ms };
    if (row.due && row.slot !== null) return { kind: "go", slot: row.slot, more: row.slots > 1, seen: [] };
    if (row.due) return { kind: "held", freeInMs: Math.max(0, (row.free_ms ?? row.now_ms) - row.now_ms) };
    if (row.asleep && next) return { kind: "sleep", until: next, lease: undefined };
    if (next && next.inMs <= napMs && row.wake_ms !== null) {
      const wake = { atMs: row.wake_ms, inMs: row.wake_ms - row.now_ms };
      return { kind: "asleep", wake, lease: undefined };
    }
    return { kind: "idle", next, lease: undefined };
  };
  return {
    enter: async (asking) => decide(await look(asking, null, false), asking.napMs),
    leave: async (asking, slot) => decide(await look(asking, slot, false), asking.napMs),
    release: async (token, slot) => {
      const row = await look({ token, napMs: 0 }, slot, true);
      return { more: row.at_ms !== null && row.at_ms <= row.now_ms + earlyMs };
    },
    // Whether a lease ended, only another query could tell; the next settle looks for it anyway.
    renew: async (token, slot) => ({
      kept: (await query(RENEW_FLAG({ token, slot, flagTtlMs }))).length > 0,
      overdue: true,
      more: false,
    }),
    // It remembers nothing, so it cannot tell.
    put: async () => 0,
    rebuild: async (read) => {
      await read();
      await query(NOTE_REFRESH({}));
      return true;
    },
    vouch: async () => undefined,
    look: async () => {
      const [row] = await query<StatsRow>(
        STATS({ limit, ours: await typesToSend({ database, types }), foreign: types.foreign }),
      );
      return {
        waiting: row?.waiting ?? 0,
        tickRuns: row?.running ?? false,
        operatorRuns: false,
        refreshedMs: row?.refreshed_ms ?? undefined,
        waitingForCode: row?.waiting_for_code ?? 0,
        pauses: (row?.pauses ?? []).map(pauseOf),
        codeSinceMs: row?.code_since_ms ?? undefined,
      };
    },
    list: async () => undefined,
    rows: async (ids) => ids.map(() => undefined),
    hold: async (token, ttlMs) => {
      const held = await query(HOLD({ token, slots, flagTtlMs: ttlMs }));
      if (held.length === slots) return true;
      // Others took some of them meanwhile.
      if (held.length > 0) await query(LET_GO({ token }));
      return false;
    },
    letGo: async (token) => (await query(LET_GO({ token }))).length > 0,
    setRunning: async (running) => {
      const hold = { token: OPERATOR, slots, flagTtlMs: operatorTtlMs };
      await query(running ? HOLD_ALL(hold) : RELEASE_ALL({}));
    },
    isRunning: async () => {
      const [row] = await query<{ running: boolean }>(IS_RUNNING({}));
      return row?.running ?? false;
    },
  };
}
