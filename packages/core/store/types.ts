/** What has become of the tasks of each type. */
import { TYPE_COUNT_LIMIT, TYPE_RECENT } from "../limits.ts";
import type { StoreDeps } from "./deps.ts";
import { STORED } from "./fragments.ts";
import { queryRepeatable, statement } from "./statement.ts";

/** What the table says about a type. */
export interface TypeOutcomes {
  type: string;
  /** Waiting tasks; at most `TYPE_COUNT_LIMIT` are counted. */
  waiting: number;
  /** Those of them that are due; as many are looked at. */
  due: number;
  running: number;
  /** Of its last finished tasks, the newest first: whether they completed. At most `TYPE_RECENT`. */
  recent: boolean[];
  /** The ids of these tasks. */
  recentIds: number[];
  /** How long those of them took that completed, in milliseconds: the median; null when there were none. */
  medianMs: number | null;
}

const newest = (status: string) => `(select id, task_status, started_at, finished_at from "baasix_Tasks"
  where type = names.type and task_status = '${status}' and id > 0 order by id + 0 desc limit ${TYPE_RECENT})`;

const WAITING = `select scheduled_time from "baasix_Tasks"
  where type = names.type and task_status = 'Not started' and id > 0 limit ${TYPE_COUNT_LIMIT}`;
const RECENT = `select * from (${newest("Completed")} union all ${newest("Error")}) both_kinds
  order by id desc limit ${TYPE_RECENT}`;

/** Of the names in the query `names`. */
const OUTCOMES = `select names.type, waiting.count::int as waiting, waiting.due::int as due, running.count::int as running,
    coalesce(recent.completed, '[]') as recent, coalesce(recent.ids, '[]') as ids, recent.median_ms
  from names
  cross join lateral (select count(*) as count, count(*) filter (where scheduled_time <= now()) as due from (${WAITING}) one) waiting
  cross join lateral (select count(*) as count from "baasix_Tasks" where type = names.type and task_status = 'Running') running
  cross join lateral (select json_agg(task_status = 'Completed' order by id desc) as completed, json_agg(id order by id desc) as ids,
      percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at) * 1000)
        filter (where task_status = 'Completed') as median_ms
    from (${RECENT}) one) recent
  order by names.type`;

/**
 * The registered types and those that tasks have, by name. The latter are found by leaping from one to the next in the
 * index
 * `tickwork_by_type`, so that it takes no longer the more tasks each has.
 */
export const TYPES = statement({ names: "text[]", after: "text", limit: "int" })`
  with recursive stored as (
    select (select min(type) from "baasix_Tasks" where type > :after and ${STORED})::text as type, 1 as n
    union all
    select (select min(t.type) from "baasix_Tasks" t where t.type > stored.type and ${STORED})::text, n + 1
    from stored where stored.type is not null and n < :limit),
  names as (select type from (select type from stored where type is not null
      union select name from unnest(:names) name where name > :after) one order by type limit :limit)
  ${OUTCOMES}`;

export const TYPE = statement({ type: "text" })`with names as (select :type as type) ${OUTCOMES}`;

interface TypesRow extends Omit<TypeOutcomes, "recentIds" | "medianMs"> {
  ids: number[];
  median_ms: number | null;
}

/**
 * @param page.registered the types of the deployment, without their versions
 * @param page.after the name after which the page begins
 */
export async function types(
  { database }: StoreDeps,
  { registered, after, limit }: { registered: readonly string[]; after: string; limit: number },
): Promise<TypeOutcomes[]> {
  const request = TYPES({ names: registered, after, limit });
  const rows = await queryRepeatable<TypesRow>(database, request);
  return rows.map(outcomesOf);
}

export async function type({ database }: StoreDeps, name: string): Promise<TypeOutcomes> {
  const [row] = await queryRepeatable<TypesRow>(database, TYPE({ type: name }));
  if (!row) throw new Error("a statement about a name must answer with a row");
  return outcomesOf(row);
}

const outcomesOf = ({ ids, median_ms, ...row }: TypesRow): TypeOutcomes => ({
  ...row,
  recentIds: ids,
  medianMs: median_ms === null ? null : Number(median_ms),
});
