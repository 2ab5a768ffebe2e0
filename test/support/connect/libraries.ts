/** The libraries by which users reach Postgres, each as it is. */
import { connect as connectTcp } from "node:net";
import { Pool as NeonPool, neonConfig } from "@neondatabase/serverless";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { CamelCasePlugin, CompiledQuery, Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import type { Connection } from "#connect";
import type { Transaction } from "../../../packages/connect/transaction.ts";
import { openPrisma } from "./prisma-client.ts";

/** What a test does inside of a transaction: it has it, and a way to send SQL of its own in it. */
export type Inside = (tx: Transaction & object, send: (text: string) => Promise<unknown>) => Promise<unknown>;

export interface Library {
  /** What belongs to the transactions, and is none. */
  db: unknown;
  /** Runs a transaction as users of this library do. */
  begin(inside: Inside): Promise<unknown>;
  /** The same, by `tickwork.transaction`. */
  beginBy(tickwork: Connection, inside: Inside): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Neon's driver talks to Postgres through a WebSocket to a proxy; here it is a socket to Postgres itself. */
class SocketInPlaceOfWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  binaryType = "arraybuffer";
  readyState = 0;
  readonly #socket;

  constructor(address: string) {
    super();
    const { hostname, port } = new URL(address);
    this.#socket = connectTcp(Number(port), hostname);
    const dispatch = (name: string, fields = {}) =>
      this.dispatchEvent(Object.assign(new Event(name), fields));
    this.#socket
      .on("connect", () => {
        this.readyState = 1;
        dispatch("open");
      })
      .on("data", (chunk) => dispatch("message", { data: new Uint8Array(chunk).buffer }))
      .on("error", (error) => dispatch("error", { error }))
      .on("close", () => {
        this.readyState = 3;
        dispatch("close");
      });
  }

  send(data: Uint8Array): void {
    this.#socket.write(data);
  }

  close(): void {
    this.#socket.end();
  }
}

const clientOf = (pool: pg.Pool) => ({
  db: pool,
  async begin(inside: Inside) {
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const result = await inside(client, (text) => client.query(text));
      await client.query("COMMIT");
      return result;
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
  },
  beginBy: (tickwork: Connection, inside: Inside) =>
    tickwork.transaction(pool, (client) => inside(client, (text) => client.query(text))),
  close: () => pool.end(),
});

export const libraries: Record<string, (url: string) => Library> = {
  "node-postgres": (url) => clientOf(new pg.Pool({ connectionString: url })),

  "Neon's driver": (url) => {
    Object.assign(neonConfig, {
      webSocketConstructor: SocketInPlaceOfWebSocket,
      wsProxy: (host: string, port: number | string) => `${host}:${port}`,
      useSecureWebSocket: false,
      pipelineTLS: false,
      pipelineConnect: false,
    });
    return clientOf(new NeonPool({ connectionString: url }) as unknown as pg.Pool);
  },

  Drizzle(url) {
    const pool = new pg.Pool({ connectionString: url });
    const db = drizzle(pool);
    return {
      db,
      begin: (inside) => db.transaction((tx) => inside(tx, (text) => tx.execute(sql.raw(text)))),
      beginBy: (tickwork, inside) =>
        tickwork.transaction(db, (tx) => inside(tx, (text) => tx.execute(sql.raw(text)))),
      close: () => pool.end(),
    };
  },

  Kysely(url) {
    const pool = new pg.Pool({ connectionString: url });
    // It renames columns, and what is in their values.
    const db = new Kysely<object>({
      dialect: new PostgresDialect({ pool }),
      plugins: [new CamelCasePlugin()],
    });
    return {
      db,
      begin: (inside) =>
        db
          .transaction()
          .execute((tx) => inside(tx, async (text) => tx.executeQuery(CompiledQuery.raw(text)))),
      beginBy: (tickwork, inside) =>
        tickwork.transaction(db, (tx) =>
          inside(tx, async (text) => tx.executeQuery(CompiledQuery.raw(text))),
        ),
      close: () => db.destroy(),
    };
  },

  Prisma(url) {
    const prisma = openPrisma(url);
    return {
      db: prisma,
      begin: (inside) => prisma.$transaction((tx) => inside(tx, (text) => tx.$executeRawUnsafe(text))),
      beginBy: (tickwork, inside) =>
        tickwork.transaction(prisma, (tx) => inside(tx, (text) => tx.$executeRawUnsafe(text))),
      close: () => prisma.$disconnect(),
    };
  },
};
