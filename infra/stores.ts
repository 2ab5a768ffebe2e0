/**
 * Where this repository's own deployment keeps its tasks: at the address that a secret gives, otherwise in databases
 * that the stage creates for itself. A pull request's stage creates none.
 */
import { neonDatabase } from "./neon.ts";
import type { TickworkOptions } from "./options.ts";
import { readSettings } from "./settings.ts";
import { isPullRequest } from "./stage.ts";
import { upstashRedis } from "./upstash.ts";

export function stores(): Pick<TickworkOptions, "database" | "redis"> {
  const region = process.env.AWS_REGION ?? "us-east-1";
  const { cacheEnabled } = readSettings(process.env).config;
  return {
    ...(!isPullRequest &&
      !isSet("DatabaseUrl") && {
        database: neonDatabase({ regionId: `aws-${region}`, orgId: process.env.NEON_ORG_ID }),
      }),
    ...(!isPullRequest &&
      cacheEnabled &&
      !isSet("RedisUrl") && { redis: upstashRedis({ primaryRegion: region }) }),
  };
}

/** SST passes secrets to the program in these variables. Which resources exist cannot depend on an Output. */
function isSet(secret: string): boolean {
  return Boolean(process.env[`SST_SECRET_${secret}`]);
}
