/** Limits of types, queues and keys. The function reads them: `lanes-function.ts`. */
import type { Limit, LimitHold, LimitKind, LimitTarget, LimitTerms } from "../tasks/limit.ts";
import type { StoreDeps } from "./deps.ts";
import { queryRepeatable, statement } from "./statement.ts";

interface LimitRow {
  kind: LimitKind;
  name: string;
  concurrency: number | null;
  rate: number | null;
  period_seconds: number | null;
  burst: boolean | null;
  weight: number | null;
  updated_at: string;
}

/** A limit, what code declared of it, and how many tasks of it run. */
interface LimitFound {
  one: LimitRow;
  declared: LimitTerms | null;
  running: number;
}
/** Of the row `l`. The running rows are few. */
const FOUND = `row_to_json(l) as one,
  (select d.terms from tickwork_declared_limits d where d.kind = l.kind and d.name = l.name) as declared,
  (select count(*)::int from "baasix_Tasks" r where r.task_status = 'Running' and l.name = case l.kind
    when 'type' then r.type::text when 'queue' then r.queue::text else r.concurrency_key::text end) as running`;

function limitOf({ one, declared, running }: LimitFound): Limit {
  const limit = termsOf(one);
  const isDeclared =
    declared !== null && JSON.stringify(valuesOf(declared)) === JSON.stringify(valuesOf(limit));
  return {
    [one.kind]: one.name,
    ...limit,
    running: one.name === "*" && one.kind === "concurrency_key" ? null : running,
    source: isDeclared ? "code" : "api",
    updated_at: new Date(one.updated_at).toISOString(),
  };
}

function termsOf({ concurrency, rate, period_seconds, burst, weight }: LimitRow) {
  return {
    concurrency,
    rate:
      rate === null ? null : { starts: rate, period_seconds: Number(period_seconds), burst: burst ?? false },
    weight,
  };
}

/** Of a target, its kind and its name. */
function keyOf(target: LimitTarget): { kind: LimitKind; name: string } {
  const [kind, name] = Object.entries(target)[0] as [LimitKind, string];
  return { kind, name };
}

/**
 * Waits for the claims that are under way, and has those that come wait: each claim reads this table, and no
 * writer of tasks does. So once a limit is
 * there, no claim starts anything by what was before.
 */
export const ALONE = statement({})`lock table tickwork_pauses in access exclusive mode`;

/** What was held back may start now: the next claim finds out. */
export const LOOK_AGAIN = `looking as (update tickwork_lane_pools set next_at = now() where next_at > now())`;
/** Lanes that sleep because of a rate. */
const AWAKEN = `awakened as (update tickwork_lanes set next_at = now()
  where not awake and next_at > now() and :kind = 'concurrency_key' and (:name = '*' or key = :name))`;

const PARAMS = {
  kind: "text",
  name: "text",
  concurrency: "int?",
  rate: "int?",
  periodSeconds: "float8?",
  burst: "boolean",
  weight: "float8?",
} as const;
const put = (from: string) => `
  insert into tickwork_limits as l (kind, name, concurrency, rate, period_seconds, burst, weight, updated_at, starts, span)
  select :kind, :name, :concurrency, :rate, :periodSeconds, :burst and :rate is not null, :weight, now(),
    case when :burst then :rate when :rate is not null then 1 end,
    :periodSeconds / case when :burst then 1 else :rate end * interval '1 second' from ${from}
  on conflict (kind, name) do update set concurrency = excluded.concurrency, rate = excluded.rate, period_seconds = excluded.period_seconds,
    burst = excluded.burst, weight = excluded.weight, updated_at = excluded.updated_at, starts = excluded.starts, span = excluded.span
  returning ${FOUND}`;
const PUT = statement(PARAMS)`with ${AWAKEN}, ${LOOK_AGAIN} ${put("(select) one")}`;

/** A type with a limit has a pool, whatever waits: its plain tasks are not to be started by another way. */
const POOL = statement({ kind: "text", name: "text" })`
  insert into tickwork_lane_pools (versioned, type, queue, next_at) select :name, :name, '', now() where :kind = 'type'
  on conflict on constraint tickwork_lane_pools_versioned_queue_key do update set next_at = now()`;

const valuesOf = ({ concurrency, rate, weight }: LimitTerms) => ({
  concurrency: concurrency ?? null,
  rate: rate?.starts ?? null,
  periodSeconds: rate?.period_seconds ?? null,
  burst: rate?.burst ?? false,
  weight: weight ?? null,
});

/** Makes a limit, or replaces it. Once it has returned, no claim that begins or ends exceeds it. */
export async function putLimit(
  { database }: StoreDeps,
  target: LimitTarget,
  terms: LimitTerms,
): Promise<Limit> {
  const statements = [ALONE({}), POOL(keyOf(target)), PUT({ ...keyOf(target), ...valuesOf(terms) })];
  const [, , rows] = await database.transaction<LimitFound>(statements, { repeatable: true });
  const [row] = rows ?? [];
  if (!row) throw new Error("a limit must answer one row, got none");
  return limitOf(row);
}

const REMOVE = statement({ kind: "text", name: "text" })`
  with ${AWAKEN}, ${LOOK_AGAIN}
  delete from tickwork_limits where kind = :kind and name = :name returning kind`;

/** Says whether there was one, as far as the answer of the first try tells. */
export async function removeLimit({ database }: StoreDeps, target: LimitTarget): Promise<boolean> {
  const [, rows] = await database.transaction([ALONE({}), REMOVE(keyOf(target))], { repeatable: true });
  return (rows?.length ?? 0) > 0;
}

/** What a key says itself, the limit of each key does not. */
const unlessOwn = (column: string) => `case when not (l.name = '*' and exists (select from tickwork_limits o
  where o.kind = l.kind and o.name = of.name and o.${column} is not null)) then l.${column} end`;

/**
 * The limits that hold back the waiting task `t` at this moment, as a JSON array; null when none does. It reads the
 * running rows, which are few, and only where there is a limit that concerns it.
 */
export const HOLDS_AS_JSON = `select json_agg(json_build_object('kind', held.kind, 'name', held.name, 'by', hold.by, 'until', hold.until)
    order by held.kind, held.name, hold.by)
  from (select l.kind, l.name, of.name as whose, ${unlessOwn("concurrency")} as concurrency, ${unlessOwn("starts")} as starts, l.span
    from (values ('type', t.type::text), ('queue', t.queue::text), ('concurrency_key', t.concurrency_key::text)) of (kind, name)
    join tickwork_limits l on l.kind = of.kind and (l.name = of.name or l.kind = 'concurrency_key' and l.name = '*' and of.name is not null)) held
  cross join lateral (
    select 'concurrency' as by, null::timestamptz as until where held.concurrency <= (select count(*) from "baasix_Tasks" r
      where r.task_status = 'Running' and case held.kind when 'type' then r.type::text when 'queue' then r.queue::text
        else r.concurrency_key::text end = held.whose)
    union all
    select 'rate', s.starts[cardinality(s.starts) - held.starts + 1] + held.span from tickwork_lane_starts s
      where s.kind = held.kind and s.name = held.whose
        and s.starts[cardinality(s.starts) - held.starts + 1] + held.span > now()) hold`;

/** A row of `HOLDS_AS_JSON`. */
export interface HoldRow extends Pick<LimitHold, "by" | "until"> {
  kind: LimitKind;
  name: string;
}

export const holdOf = ({ kind, name, by, until }: HoldRow): LimitHold => ({
  [kind]: name,
  by,
  until: until === null ? null : new Date(until).toISOString(),
});

const LIST = statement({})`select ${FOUND} from tickwork_limits l order by kind, name`;

/** All of them, by kind and name. */
export async function listLimits({ database }: StoreDeps): Promise<Limit[]> {
  return (await queryRepeatable<LimitFound>(database, LIST({}))).map(limitOf);
}

/** Whoever declares what is declared already, changes nothing: the limit may have been changed since. */
const DECLARE = statement({ ...PARAMS, terms: "json" })`
  with declared as (insert into tickwork_declared_limits as d (kind, name, terms) values (:kind, :name, :terms)
    on conflict (kind, name) do update set terms = excluded.terms where d.terms::text <> excluded.terms::text returning kind),
  ${AWAKEN}, ${LOOK_AGAIN} ${put("declared")}`;

const UNDECLARE = statement({ kind: "text", name: "text" })`
  delete from tickwork_declared_limits where kind = :kind and name = :name`;

const DECLARED = statement({})`select kind, name, terms from tickwork_declared_limits`;

/** What code declared last, whatever has become of the limits since. */
export async function declaredLimits({ database }: StoreDeps) {
  const rows = await queryRepeatable<{ kind: LimitKind; name: string; terms: LimitTerms }>(
    database,
    DECLARED({}),
  );
  return rows.map(({ kind, name, terms }) => ({ target: { [kind]: name } as LimitTarget, terms }));
}

/** Makes a limit as code declares it, if that is not what code declared last. */
export async function declareLimit(
  { database }: StoreDeps,
  target: LimitTarget,
  terms: LimitTerms,
): Promise<void> {
  const declare = DECLARE({ ...keyOf(target), ...valuesOf(terms), terms });
  await database.transaction([ALONE({}), POOL(keyOf(target)), declare], { repeatable: true });
}

/** Removes a limit whose declaration is gone. */
export async function undeclareLimit({ database }: StoreDeps, target: LimitTarget): Promise<void> {
  const key = keyOf(target);
  await database.transaction([ALONE({}), UNDECLARE(key), REMOVE(key)], { repeatable: true });
}
