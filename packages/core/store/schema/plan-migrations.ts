import { createIndex } from "./build-index.ts";
import { MIGRATIONS, type Step } from "./migrations.ts";

/** A migration that is not applied yet. */
export interface PlannedMigration {
  /** Its number, from 1. */
  id: number;
  name: string;
  /** What is sent to Postgres for it, in this order. */
  statements: string[];
}

/**
 * What `migrate` would do to a database with a schema of this version.
 *
 * @param version as `schemaVersion` returns it; 0 has had no migration
 * @example for (const { name, statements } of planMigrations(0)) console.log(name, statements.length);
 */
export function planMigrations(version: number): PlannedMigration[] {
  return MIGRATIONS.map(({ name, steps = [], sql }, index) => ({
    id: index + 1,
    name,
    statements: [...steps.map(statementOf), ...(sql === undefined ? [] : [sql])].map(outdented),
  })).slice(version);
}

function statementOf(step: Step): string {
  if ("sql" in step) return step.sql;
  return "index" in step ? createIndex(step.index, "concurrently if not exists") : step.rows;
}

/** As deep as its last line, which ends the block that the first one begins. */
function outdented(sql: string): string {
  const lines = sql.trim().split("\n");
  const depth = Math.min(...lines.slice(1).map((line) => line.search(/\S|$/)));
  return lines.map((line, n) => (n === 0 ? line : line.slice(depth))).join("\n");
}
