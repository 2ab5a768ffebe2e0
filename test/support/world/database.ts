import { PGlite } from "@electric-sql/pglite";
import { neon } from "@neondatabase/serverless";
import { createDatabase, migrate, silent, systemClock } from "#core";
import { answerNeon, forgetNeon, pgliteBackend } from "#local";
import { withClock } from "../../../packages/core/store/statement.ts";
import { loadSchemas } from "../../../packages/core/tasks/load-schemas.ts";
import { TRIGGER_CLOCK } from "./wires.ts";

/** An embedded Postgres in memory with the schema, for many stories one after the other. */
export async function openWorldDatabase(): Promise<PGlite> {
  // What the core loads when it first needs it takes real time, of which a story knows nothing.
  await loadSchemas();
  const db = await PGlite.create({ dataDir: "memory://" });
  const url = answerNeon("world", pgliteBackend(db));
  await migrate(withClock(createDatabase(neon(url), systemClock), TRIGGER_CLOCK), silent);
  forgetNeon(url);
  return db;
}
