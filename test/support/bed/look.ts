/** What tests look up beside Tickwork, in Postgres and Redis. */
import { keyOf as keyIn } from "../../../packages/core/gate/scripts/keys.ts";
import type { TestBed } from "./bed.ts";

/** The name of a key in this bed's part of Redis. */
export const keyOf = (bed: TestBed, name: string): string => keyIn(bed.prefix, name);

/** The ids of a set, first due first, and the marker of `waiting`: `*`, or `*` and where the window ends. */
export const membersOf = async (bed: TestBed, set: string) =>
  (await bed.redis("ZRANGE", keyOf(bed, set), 0, -1)) as string[];

/** The status of every task, by id. */
export async function statuses(bed: TestBed): Promise<string[]> {
  const rows = await bed.sql<{ task_status: string }>(`select task_status from "baasix_Tasks" order by id`);
  return rows.map(({ task_status }) => task_status);
}

export async function allCompleted(bed: TestBed): Promise<boolean> {
  return (await statuses(bed)).every((status) => status === "Completed");
}

/** When the lease on a task ends, in milliseconds by Postgres's clock; 0 when there is none. */
export async function leaseEndMs(bed: TestBed, id: number): Promise<number> {
  const [row] = await bed.sql<{ until: string }>(
    `select extract(epoch from lease_expires_at) * 1000 as until from "baasix_Tasks" where id = $1`,
    [String(id)],
  );
  return Number(row?.until ?? 0);
}

/** So many milliseconds from now, as a task's time. */
export const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
