import { SLEEPER_MARGIN_MS } from "../limits.ts";
import type { Database } from "../store/database.ts";
import { epochMs, interval, nextDue, WINDOW } from "../store/fragments.ts";
import { connectionOf } from "../store/rows.ts";
import { statement, textArray } from "../store/statement.ts";
import { type Asking, type Decision, type Gate, type GateOptions, OPERATOR } from "./gate.ts";

export const gateSql = (now: string) => {
  const held = `
    exists (select from "baasix_Tasks" where task_status = 'Running' and lease_expires_at > ${now})
    or exists (select from tickwork_flags where name like 'slot:%' and expires_at > ${now})`;
  const takeOver = `
    on conflict (name) do update set token = excluded.token, expires_at = excluded.expires_at
      where tickwork_flags.expires_at <= ${now} or tickwork_flags.token = excluded.token`;
  return {
    /**
     * One query looks, takes a free flag or gives one back, and says when to come again. `:held` is the slot that the
     * caller holds, `:release` whether to give its flag back whatever is due.
     */
    decide: statement<{
      token: string;
      ttl_ms: number;
      slots: number;
      nap_ms: number;
      held: number | null;
      release: boolean;
      foreign: string;
    }>(`
      with due as (select ${nextDue} as at_ms, ${epochMs(now)} as now_ms),
      held as (select name, token, expires_at from tickwork_flags
        where expires_at > ${now} and name like 'slot:%' and not (token = :token::text)),
      free as (select min(s) as slot, count(*) as slots from generate_series(0, :slots::int - 1) s
        where 'slot:' || s not in (select name from held)),
      wants as (
        select not :release::boolean and at_ms <= now_ms as now, free.slot, free.slots, at_ms, now_ms from due, free),
      taken as (insert into tickwork_flags (name, token, expires_at)
        select 'slot:' || coalesce(:held::int, slot), :token::text, ${now} + ${interval(":ttl_ms")}
        from wants where wants.now and slot is not null
        ${takeOver} returning name),
      released as (delete from tickwork_flags where token = :token::text
        and case when name = 'sleeper' then :release::boolean else not exists (select from wants where wants.now) end
        returning name),
      asleep as (insert into tickwork_flags (name, token, wake_at_ms, expires_at)
        select 'sleeper', :token::text, at_ms,
          ${now} + (at_ms - now_ms + ${SLEEPER_MARGIN_MS}) * interval '1 millisecond'
        from wants where not :release::boolean and at_ms > now_ms and at_ms - now_ms <= :nap_ms::float8
        on conflict (name) do update
          set token = excluded.token, wake_at_ms = excluded.wake_at_ms, expires_at = excluded.expires_at
          where tickwork_flags.expires_at <= ${now} or tickwork_flags.token = excluded.token
            or tickwork_flags.wake_at_ms > excluded.wake_at_ms
        returning name)
      select wants.now as due, at_ms, now_ms, slots::int,
        (select substr(name, 6)::int from taken) as slot, exists (select from asleep) as asleep,
        (select min(${epochMs("expires_at")}) from held) as free_ms,
        (select wake_at_ms from tickwork_flags
          where name = 'sleeper' and token <> :token::text and expires_at > ${now}) as wake_ms
      from wants`),
    renew: statement<{ token: string; slot: number; ttl_ms: number }>(`
      insert into tickwork_flags (name, token, expires_at)
      values ('slot:' || :slot::int, :token::text, ${now} + ${interval(":ttl_ms")})
      ${takeOver} returning name`),
    holdAll: statement<{ token: string; slots: number; ttl_ms: number }>(`
      insert into tickwork_flags (name, token, expires_at)
      select 'slot:' || s, :token::text, ${now} + ${interval(":ttl_ms")} from generate_series(0, :slots::int - 1) s
      ${takeOver}`),
    releaseAll: statement(`delete from tickwork_flags where name like 'slot:%'`),
    isRunning: statement(`select ${held} as running`),
    /** Without a cache, this remembers that the window was read. */
    noteRefresh: statement(`
      insert into tickwork_flags (name, token, wake_at_ms, expires_at)
      values ('refreshed', '', ${epochMs(now)}, 'infinity')
      on conflict (name) do update set wake_at_ms = excluded.wake_at_ms`),
    look: statement<{ limit: number }>(`
      select (select wake_at_ms from tickwork_flags where name = 'refreshed') as refreshed_ms,
        (select count(*)::int from (select from "baasix_Tasks" where task_status = 'Not started'
          and scheduled_time <= ${now} + ${WINDOW} limit :limit::int) w) as waiting,
        ${held} as running`),
  };
};

interface Answer {
  due: boolean | null;
  at_ms: number | null;
  now_ms: number;
  /** How many are free. */
  slots: number;
  slot: number | null;
  asleep: boolean;
  free_ms: number | null;
  /** When another tick that sleeps wakes up. */
  wake_ms: number | null;
}

/**
 * The gate on Postgres alone, for `CACHE_ENABLED=false` and while Redis is out of reach: the flags are rows, nothing is
 * cached, and a look costs one query.
 */
export function createPostgresGate(
  database: Database,
  options: GateOptions & { foreign: readonly string[]; now: string },
): Gate {
  const { slots, flagTtlMs, operatorTtlMs, limit, earlyMs, now } = options;
  const sql = gateSql(now);
  const { queryRepeatable: query } = connectionOf(database, now);
  const fixed = { ttl_ms: flagTtlMs, slots, foreign: textArray(options.foreign) };
  const ask = async ({ token, napMs }: Asking, held: number | null, release: boolean) => {
    const [answer] = await query<Answer>(sql.decide({ token, nap_ms: napMs, held, release, ...fixed }));
    if (!answer) throw new Error("the gate's query answers one row");
    return answer;
  };
  return {
    enter: async (asking) => decisionOf(await ask(asking, null, false), asking.napMs),
    leave: async (asking, slot) => decisionOf(await ask(asking, slot, false), asking.napMs),
    release: async (token, slot) => {
      const answer = await ask({ token, napMs: 0 }, slot, true);
      return { more: answer.at_ms !== null && answer.at_ms <= answer.now_ms + earlyMs };
    },
    // It cannot see whether a lease ended without asking; the next settle looks in passing.
    renew: async (token, slot) => ({
      kept: (await query(sql.renew({ token, slot, ttl_ms: flagTtlMs }))).length > 0,
      overdue: true,
      more: false,
    }),
    put: async () => true,
    rebuild: async (read) => {
      await read();
      await query(sql.noteRefresh({}));
      return true;
    },
    look: async () => {
      type Look = { refreshed_ms: number | null; waiting: number; running: boolean };
      const [row] = await query<Look>(sql.look({ limit }));
      return {
        waiting: row?.waiting ?? 0,
        tickRuns: row?.running ?? false,
        operatorRuns: false,
        refreshedMs: row?.refreshed_ms ?? undefined,
      };
    },
    list: async () => undefined,
    setRunning: async (running) => {
      if (running) await query(sql.holdAll({ token: OPERATOR, slots, ttl_ms: operatorTtlMs }));
      else await query(sql.releaseAll({}));
    },
    isRunning: async () => {
      const [row] = await query<{ running: boolean }>(sql.isRunning({}));
      return row?.running ?? false;
    },
  };
}

function decisionOf(answer: Answer, napMs: number): Decision {
  const { due, at_ms, now_ms, slot, slots, asleep, free_ms, wake_ms } = answer;
  const moment = (atMs: number) => ({ atMs, inMs: atMs - now_ms });
  if (due && slot !== null) return { kind: "go", slot, more: slots > 1, seen: [] };
  if (due) return { kind: "held", freeInMs: Math.max(0, (free_ms ?? now_ms) - now_ms) };
  const next = at_ms === null ? undefined : moment(at_ms);
  if (asleep && next) return { kind: "sleep", until: next, lease: undefined };
  if (next && next.inMs <= napMs && wake_ms !== null)
    return { kind: "asleep", wake: moment(wake_ms), lease: undefined };
  return { kind: "idle", next, lease: undefined };
}
