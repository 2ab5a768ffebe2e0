/** What tests look up beside Tickwork, in Postgres and Redis. */
import type { TestBed } from "./bed.ts";

/** The name of a key in this bed's part of Redis. */
export const keyOf = (bed: TestBed, name: string): string => `{${bed.prefix}}:${name}`;

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
