/** A database of this machine's PostgreSQL, with connections of the test's own beside the driver. */
import pg from "pg";
import { createDatabase as createClient, type Database, systemClock } from "#core";
import { openPg } from "#drivers";
import { createDatabase } from "../../../scripts/local-servers.ts";
import { asText } from "../bed/as-text.ts";
import type { TestBed } from "../bed/bed.ts";

export interface RealDatabase extends Pick<TestBed, "sql"> {
  database: Database;
  /** A session that lasts, for transactions that stay open. */
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

export async function openRealDatabase(): Promise<RealDatabase> {
  const { url, drop } = await createDatabase();
  const driver = await openPg(url);
  const clients: pg.Client[] = [];
  return {
    database: createClient(driver, systemClock),
    async sql<Row>(text: string, params: unknown[] = []) {
      const rows = await driver.query({ text, params }, new AbortController().signal);
      return rows.map(asText) as Row[];
    },
    async connect() {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.end()));
      await driver.close();
      await drop();
    },
  };
}
