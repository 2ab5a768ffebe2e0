/** A Postgres at Neon. The app must list `neon` among its providers, and the deployer must set NEON_API_KEY. */
import { service } from "./names.ts";
import type { DatabaseAddress } from "./options.ts";
import { keepData } from "./stage.ts";

export interface NeonOptions {
  /** `aws-us-east-1`: the functions' region, to keep queries fast. */
  regionId: string;
  /** The organisation that owns the project; needed if the account has several. */
  orgId?: string | undefined;
}

export function neonDatabase({ regionId, orgId }: NeonOptions): DatabaseAddress {
  const project = new neon.Project(
    "TickworkNeon",
    {
      name: service,
      regionId,
      ...(orgId && { orgId }),
      pgVersion: 17,
      // The most that the free plan allows.
      historyRetentionSeconds: 6 * 60 * 60,
      branch: { name: "main", databaseName: "tasks", roleName: "tasks" },
      // As small as it gets; Neon suspends it after five minutes without a query.
      defaultEndpointSettings: { autoscalingLimitMinCu: 0.25, autoscalingLimitMaxCu: 1 },
    },
    keepData,
  );
  return { url: project.connectionUriPooler };
}
