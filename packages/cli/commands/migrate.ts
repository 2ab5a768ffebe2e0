import { existsSync } from "node:fs";
import type { Command } from "commander";
import { type Config, migrate, readConfig } from "#core";
import { schemaVersion } from "../../core/store/schema/migrate.ts";
import { SCHEMA_VERSION } from "../../core/store/schema/migrations.ts";
import { type PlannedMigration, planMigrations } from "../../core/store/schema/plan-migrations.ts";
import { postgresFolder } from "../../local/embedded-postgres.ts";
import { withDatabase } from "../../local/with-database.ts";
import { migrations } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { createLog } from "./start.ts";

export function addMigrate(program: Command): void {
  const command = program
    .command("migrate")
    .description("bring the schema of Postgres up to date; servers do so themselves when they start")
    .option("--dry-run", "print what would be done, and change nothing")
    .action(async (_: unknown, self: Command) => run(self.optsWithGlobals()));
  example(command, "npx tickwork migrate --dry-run", "DATABASE_URL=postgres://… npx tickwork migrate");
}

async function run({ dryRun, json = false }: { dryRun?: boolean; json?: boolean }): Promise<void> {
  const output = createOutput({ json });
  const config = readConfig(process.env);
  if (dryRun) {
    const pending = await plan(config);
    output.result({ schemaVersion: SCHEMA_VERSION, pending }, () => migrations(pending));
    return;
  }
  const applied = await withDatabase(config, process.env.PGUSER, (database) =>
    migrate(database, createLog(json)),
  );
  output.result({ schemaVersion: SCHEMA_VERSION, applied }, () =>
    applied.length === 0 ? "The schema is up to date." : ["Applied:", ...applied].join("\n  "),
  );
}

async function plan(config: Config): Promise<PlannedMigration[]> {
  // Opening an embedded Postgres that is not there would make one.
  const isThere = config.databaseUrl !== undefined || existsSync(postgresFolder(config.dataDir));
  return planMigrations(isThere ? await withDatabase(config, process.env.PGUSER, schemaVersion) : 0);
}
