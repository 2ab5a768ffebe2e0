import { createHash } from "node:crypto";
import { userInfo } from "node:os";
import pg from "pg";
import { type Backend, transactionModes, type WireQuery, type WireResult } from "./neon-wire.ts";

/** Values stay as the text that Postgres sent: Neon's driver is who reads them. */
const AS_TEXT = { getTypeParser: () => (value: unknown) => value } as pg.CustomTypesConfig;

/** Connections of one process. Ticks need one a slot, the API and refreshes some more. */
const POOL_SIZE = 10;
/** How long a new connection may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;
/** How long a connection is silent before TCP asks whether its other end is still there. */
const KEEP_ALIVE_AFTER_MS = 10_000;
/** Different statements that a connection remembers prepared; all of Tickwork's are far fewer. */
const PREPARED_LIMIT = 200;

/** Like psql: who names nobody is whoever runs this. */
function withUser(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.username ||= process.env.PGUSER ?? userInfo().username;
  return url.href;
}

/** A real Postgres behind Neon's driver. Statements are prepared once a connection, which saves their planning. */
export function openPgBackend(databaseUrl: string): Backend {
  const pool = new pg.Pool({
    connectionString: withUser(databaseUrl),
    max: POOL_SIZE,
    application_name: "tickwork",
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // A connection that breaks while it idles is replaced; without a listener it would end the process.
  pool.on("error", () => {});
  // The pool listens to idle ones only, and a transaction holds its own; its next query says that it broke.
  pool.on("connect", (client) => client.on("error", () => {}));
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known || names.size >= PREPARED_LIMIT) return known;
    const name = createHash("sha1").update(text).digest("base64url");
    names.set(text, name);
    return name;
  };
  const run = async (client: pg.Pool | pg.PoolClient, { query, params }: WireQuery): Promise<WireResult> => {
    const name = nameOf(query);
    const result = await client.query({
      ...(name ? { name } : { queryMode: "extended" }),
      text: query,
      values: params,
      rowMode: "array",
      types: AS_TEXT,
    } as pg.QueryArrayConfig);
    return {
      command: result.command,
      rowCount: result.rowCount,
      fields: result.fields,
      rows: result.rows as (string | null)[][],
    };
  };
  return {
    query: (query) => run(pool, query),
    async transaction(queries, options) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query(`BEGIN ${transactionModes(options)}`);
        const results: WireResult[] = [];
        for (const query of queries) results.push(await run(client, query));
        await client.query("COMMIT");
        return results;
      } catch (error) {
        await client.query("ROLLBACK").catch((failure: Error) => {
          broken = failure;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}
