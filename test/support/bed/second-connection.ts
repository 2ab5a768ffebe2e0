import { userInfo } from "node:os";
import pg from "pg";
import type { TestBed } from "./bed.ts";

/** A connection of its own to the database of a bed on real servers: for what happens beside a statement. */
export async function connectBeside(bed: TestBed): Promise<pg.Client> {
  const [one] = await bed.sql<{ name: string }>("select current_database() as name");
  const client = new pg.Client({ host: "127.0.0.1", user: userInfo().username, database: one?.name });
  await client.connect();
  return client;
}
