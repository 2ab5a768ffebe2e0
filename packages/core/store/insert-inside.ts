/** Statements about a transaction that is not Tickwork's own. */
import type { NewTask } from "../tasks/task.ts";
import { columnsOf } from "./columns.ts";
import type { Statement } from "./database.ts";
import type { StoreDeps } from "./deps.ts";
import { insertOf } from "./insert.ts";
import {
  type CreatedTasks,
  hasKey,
  MADE_UNIQUE,
  type UniqueRow,
  uniqueColumnsOf,
  uniqueTasks,
} from "./insert-unique.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type Row, toTask } from "./rows.ts";
import { queryRepeatable, statement } from "./statement.ts";

/**
 * The answer is one text in one row: whatever a library makes of types and of the names of columns, it leaves that
 * alone.
 * `pg_notify` has Postgres deliver the ring if and when the transaction commits.
 */
export const INSERT_INSIDE = statement({
  tasks: "json",
  channel: "text",
  ring: "text?",
})`with made as (${insertOf(":tasks")}),
    told as (select pg_notify(:channel, :ring) where :ring is not null)
  select json_build_object('tasks', json_agg(row_to_json(row) order by id), 'xid', txid_current()::text,
    'told', (select count(*) from told))::text as answer
  from made`;

/** The same where one has a unique key. */
export const INSERT_UNIQUE_INSIDE = statement({
  tasks: "json",
  channel: "text",
  ring: "text?",
})`with made as materialized (${MADE_UNIQUE}),
    told as (select pg_notify(:channel, :ring) where :ring is not null)
  select json_build_object('made', json_agg(row_to_json(made.*) order by n), 'xid', txid_current()::text,
    'told', (select count(*) from told))::text as answer
  from made`;

/** Sends a statement inside of a transaction, and returns the column `answer` of its row. */
export type Send = (statement: Statement) => Promise<string>;

/** Tasks that exist once their transaction commits, and its number. */
interface MadeInside {
  tasks: Row[];
  xid: string;
}
type MadeUniqueInside = Pick<MadeInside, "xid"> & { made: UniqueRow[] };

/** Creates tasks, all or none, in the order given, in the transaction in which `send` sends. */
export async function insertInside(
  send: Send,
  given: readonly NewTask[],
  userId: string | undefined,
  { channel, ring }: { channel: string; ring: string | undefined },
): Promise<Omit<CreatedTasks, "nowMs"> & { xid: string }> {
  const told = { channel, ring: ring ?? null };
  const answer = async (request: Statement) =>
    JSON.parse(await translatingDataErrors(() => send(request))) as unknown;
  if (given.some(hasKey)) {
    const request = INSERT_UNIQUE_INSIDE({ tasks: uniqueColumnsOf(given, userId), ...told });
    const { made, xid } = (await answer(request)) as MadeUniqueInside;
    return { ...uniqueTasks(made), xid };
  }
  const request = INSERT_INSIDE({ tasks: columnsOf(given, userId), ...told });
  const { tasks, xid } = (await answer(request)) as MadeInside;
  return { tasks: tasks.map(toTask), xid };
}

export const STATUS_OF_TRANSACTION = statement({ xid: "bigint" })`select txid_status(:xid) as status`;

/** How a transaction ended; undefined while it is open, and when Postgres does not know it any more. */
export async function endOfTransaction(
  { database }: Pick<StoreDeps, "database">,
  xid: string,
): Promise<"committed" | "aborted" | undefined> {
  const request = STATUS_OF_TRANSACTION({ xid: Number(xid) });
  const [row] = await queryRepeatable<{ status: string | null }>(database, request);
  return row?.status === "committed" || row?.status === "aborted" ? row.status : undefined;
}
