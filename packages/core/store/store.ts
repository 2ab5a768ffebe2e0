import { changing } from "./change.ts";
import { type ClaimOptions, claiming } from "./claim.ts";
import type { Database } from "./database.ts";
import { inserting } from "./insert.ts";
import { operating } from "./operate.ts";
import { reading } from "./read.ts";
import { connectionOf } from "./rows.ts";
import { settling } from "./settle.ts";
import { readingWindow } from "./window.ts";

export interface StoreOptions extends ClaimOptions {
  cacheLimit: number;
  /** The clock of Postgres, as SQL; tests give another one. */
  now?: string;
}

export type Store = ReturnType<typeof createStore>;

/**
 * Tasks in Postgres. Each method is one request, unless it says otherwise, and throws PostgresError when Postgres does
 * not answer or refuses. Its SQL stands beside it.
 */
export function createStore(database: Database, options: StoreOptions) {
  const connection = connectionOf(database, options.now ?? "now()");
  return {
    ...inserting(connection),
    ...reading(connection, options.cacheLimit),
    ...changing(connection),
    ...claiming(connection, options),
    ...settling(connection, options),
    ...readingWindow(connection, database, options),
    ...operating(connection),
  };
}
