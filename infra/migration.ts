/**
 * The schema, brought up to date by the deployment itself: it calls a function, and what serves is only replaced when
 * that has come back. If it throws, the deployment ends there and the old code goes on.
 */
import { createHash } from "node:crypto";
import type { Handlers } from "./handlers.ts";
import { lambda } from "./lambda.ts";
import type { DatabaseAddress } from "./secrets.ts";
import type { Settings } from "./settings.ts";

export interface MigrationParts {
  handlers: Handlers;
  settings: Settings;
  database: sst.Linkable<DatabaseAddress>;
}

/** @returns what the other functions have to wait for */
export function migration({ handlers, settings, database }: MigrationParts) {
  const migrate = lambda(
    "TickworkMigrate",
    { name: "migrate", debugging: settings.config.debugging },
    {
      description: "Brings the schema of the tasks up to date",
      handler: handlers.path("migrate"),
      nodejs: handlers.nodejs,
      timeout: "5 minutes",
      memory: "512 MB",
      link: [database],
      environment: settings.config.debugging ? { DEBUGGING: "true" } : {},
    },
  );
  return new aws.lambda.Invocation("TickworkMigration", {
    functionName: migrate.name,
    input: "{}",
    triggers: {
      // The migrations are in the package, whose key in S3 ends with its hash: a new step is a new key.
      code: migrate.nodes.function.s3Key.apply((key) => key ?? ""),
      // Another database needs its schema too.
      database: $util.output(database.properties.url).apply(hash),
    },
  });
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
