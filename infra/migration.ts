/**
 * Brings the schema up to date as part of the deployment: it calls a function, and replaces the functions that serve
 * only after that has returned. If it throws, the deployment ends there and the old code keeps running.
 */
import { createHash } from "node:crypto";
import type { Handlers } from "./handlers.ts";
import { lambda, type Network } from "./lambda.ts";
import { certificates, type databaseLink } from "./secrets.ts";
import type { Settings } from "./settings.ts";

export interface MigrationParts {
  handlers: Handlers;
  settings: Settings;
  database: ReturnType<typeof databaseLink>;
  vpc: Network;
}

/** @returns what the other functions must wait for */
export function migration({ handlers, settings, database, vpc }: MigrationParts) {
  const migrate = lambda(
    "TickworkMigrate",
    { name: "migrate", debugging: settings.config.debugging, certificates: certificates(database) },
    {
      description: "Brings the schema of the tasks up to date",
      handler: handlers.path("migrate"),
      nodejs: handlers.nodejs,
      timeout: "5 minutes",
      memory: "512 MB",
      link: [database],
      vpc,
      environment: settings.config.debugging ? { DEBUGGING: "true" } : {},
    },
  );
  return new aws.lambda.Invocation("TickworkMigration", {
    functionName: migrate.name,
    input: "{}",
    triggers: {
      // The migrations are in the package, whose key in S3 ends with its hash: a new migration is a new key.
      code: migrate.nodes.function.s3Key.apply((key) => key ?? ""),
      // Another database needs the schema too.
      database: $util.output(database.properties.url).apply(hash),
    },
  });
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
