import { PGlite } from "@electric-sql/pglite";
import { createDatabase, migrate, silent, systemClock } from "#core";
import { pgliteDriver } from "#drivers";
import { loadPostgresGate } from "../../../packages/core/gate/lazy-postgres-gate.ts";
import { loadBatches } from "../../../packages/core/run/batch/load.ts";
import { loadBulkTask } from "../../../packages/core/services/bulk.ts";
import { loadSchedules } from "../../../packages/core/services/lazy-schedules.ts";
import { loadBulk } from "../../../packages/core/store/lazy-bulk.ts";
import { withClock } from "../../../packages/core/store/statement.ts";
import { loadSchemas } from "../../../packages/core/tasks/load-schemas.ts";
import { TRIGGER_CLOCK } from "./wires.ts";

/** An embedded Postgres in memory with the schema, for many stories one after the other. */
export async function openWorldDatabase(): Promise<PGlite> {
  // What the core loads when it first needs it takes real time, of which a story knows nothing.
  await Promise.all([
    loadSchemas(),
    loadPostgresGate(),
    loadBatches(),
    loadSchedules(),
    loadBulk(),
    loadBulkTask(),
  ]);
  const db = await PGlite.create({ dataDir: "memory://" });
  await migrate(withClock(createDatabase(pgliteDriver(db), systemClock), TRIGGER_CLOCK), silent);
  return db;
}
