import type { KnownTypes } from "../tasks/standing.ts";
import type { Database } from "./database.ts";

/** What the store's functions work with. */
export interface StoreDeps {
  database: Database;
  /** How long a lease lasts when it is not renewed. */
  leaseMs: number;
  /** How many tasks run at a time. */
  slots: number;
  /** How often a worker may die while it runs a task; then the task ends in `Error`. */
  maxCrashes: number;
  /** How many waiting tasks are cached at most. */
  cacheLimit: number;
  types: KnownTypes;
}
