/** Any PostgreSQL through node-postgres: from one machine, a container, or a function beside it. */
import { createHash } from "node:crypto";
import { userInfo } from "node:os";
import type { ClientBase, ClientConfig, DatabaseError, PoolClient, QueryConfig } from "pg";
import type { PostgresDriver, Statement } from "#core";
import { KEEP_ALIVE_AFTER_MS } from "../core/channel-limits.ts";
import { missingPeer } from "../core/peer.ts";

/** Connections of one process: ticks need one a slot, the API and refreshes some more. */
const POOL_SIZE = 10;
const IDLE_MS = 10_000;
/** How long a new connection may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Different statements that a connection remembers prepared; all of Tickwork's are far fewer. */
const PREPARED_LIMIT = 200;

export interface PgOptions {
  /** For an address that names none; by default, as with psql, the user of the operating system. */
  user?: string | undefined;
  /** Connections at most. Default 10. */
  poolSize?: number | undefined;
  /** How long an unused connection is kept, in milliseconds. Default: ten seconds. */
  idleMs?: number | undefined;
  /** The mode of TLS for an address that names none. Default: none. */
  sslmode?: "verify-full" | undefined;
}

/**
 * Opens a pool of connections. Nothing is asked before the first query. Statements are prepared once a connection,
 * which saves their planning. A query that is aborted costs its connection: what it would still answer belongs to
 * nobody.
 *
 * @throws ConfigError when the package `pg` is not installed
 * @example const driver = await openPg("postgres://127.0.0.1:5432/shop");
 */
export async function openPg(
  databaseUrl: string,
  { user, poolSize = POOL_SIZE, idleMs = IDLE_MS, sslmode }: PgOptions = {},
): Promise<PostgresDriver> {
  const pg = await loadPg();
  const pool = new pg.Pool({
    ...connectionOf(databaseUrl, user, sslmode),
    max: poolSize,
    idleTimeoutMillis: idleMs,
  });
  // A connection that breaks while idle is replaced; without a listener it would end the process.
  pool.on("error", () => {});
  // The pool listens to idle connections only. One in use reports through its next query that it broke.
  pool.on("connect", (client) => client.on("error", () => {}));
  const prepared = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = prepared.get(text);
    if (known || prepared.size >= PREPARED_LIMIT) return known;
    const name = createHash("sha1").update(text).digest("base64url");
    prepared.set(text, name);
    return name;
  };
  const run = async (client: PoolClient, { text, params = [] }: Statement): Promise<unknown[]> => {
    const name = nameOf(text);
    // Named or extended, never simple: that would accept several statements in one string.
    const config = { text, values: [...params], ...(name ? { name } : { queryMode: "extended" }) };
    return (await client.query(config as QueryConfig)).rows;
  };
  const usedAtMs = new WeakMap<PoolClient, number>();
  /** Timers stand still in a function that is frozen, so the pool may keep what the server, or a network between, ended. */
  const checkOut = async (): Promise<PoolClient> => {
    for (;;) {
      const client = await pool.connect();
      if (Date.now() - (usedAtMs.get(client) ?? Date.now()) <= idleMs) return client;
      client.release(true);
    }
  };
  const withClient = async <T>(signal: AbortSignal, work: (client: PoolClient) => Promise<T>): Promise<T> => {
    const client = await checkOut();
    const cut = () => streamOf(client).destroy();
    if (signal.aborted) cut();
    else signal.addEventListener("abort", cut, { once: true });
    let broken = false;
    try {
      return await work(client);
    } catch (error) {
      broken = !(error instanceof pg.DatabaseError) || endsConnection(error);
      throw error;
    } finally {
      signal.removeEventListener("abort", cut);
      usedAtMs.set(client, Date.now());
      client.release(broken || streamOf(client).destroyed);
    }
  };
  return {
    query: (statement, signal) => withClient(signal, (client) => run(client, statement)),
    transaction: (statements, signal) =>
      withClient(signal, async (client) => {
        try {
          await client.query("BEGIN");
          const results: unknown[][] = [];
          for (const statement of statements) results.push(await run(client, statement));
          await client.query("COMMIT");
          return results;
        } catch (error) {
          // A connection that cannot even roll back is not used again.
          await client.query("ROLLBACK").catch(() => streamOf(client).destroy());
          throw error;
        }
      }),
    close: () => pool.end(),
  };
}

/** @throws ConfigError when the package `pg` is not installed */
export async function loadPg() {
  return (await import("pg").catch(missingPeer("pg", "connects to Postgres servers other than Neon")))
    .default;
}

/** How node-postgres connects to an address. */
export const connectionOf = (
  databaseUrl: string,
  user: string | undefined,
  sslmode?: PgOptions["sslmode"],
): ClientConfig => ({
  connectionString: complete(databaseUrl, user, sslmode),
  application_name: "tickwork",
  keepAlive: true,
  keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
});

/** Whether Postgres answers and hangs up. */
function endsConnection({ code = "08" }: DatabaseError): boolean {
  return /^(08|57P)/.test(code);
}

/** The socket, which node-postgres's types leave out. */
export function streamOf(client: ClientBase): { destroyed: boolean; destroy(): void } {
  return (client as unknown as { connection: { stream: { destroyed: boolean; destroy(): void } } }).connection
    .stream;
}

/**
 * With a user, and with the mode of TLS by its own name: node-postgres takes the weaker ones for `verify-full` and
 * warns about that in nine lines. Neon's addresses have `require`.
 */
function complete(databaseUrl: string, user: string | undefined, sslmode: PgOptions["sslmode"]): string {
  const url = new URL(databaseUrl);
  url.username ||= user ?? userInfo().username;
  const { searchParams } = url;
  if (sslmode && !searchParams.has("sslmode") && !searchParams.has("ssl"))
    searchParams.set("sslmode", sslmode);
  if (WEAKER_MODES.has(searchParams.get("sslmode") ?? "") && searchParams.get("uselibpqcompat") !== "true")
    searchParams.set("sslmode", "verify-full");
  return url.href;
}

const WEAKER_MODES = new Set(["prefer", "require", "verify-ca"]);
