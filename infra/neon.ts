/** A Postgres at Neon. The app lists `neon` among its providers, and the deployer has NEON_API_KEY set. */
import { service } from "./names.ts";
import type { DatabaseAddress } from "./secrets.ts";
import { keepData } from "./stage.ts";

export interface NeonOptions {
  /** Where: the functions' region, so that a query stays in one building. */
  regionId: string;
  /** The organisation that owns the project, for accounts that have several. */
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
      // What the free plan allows.
      historyRetentionSeconds: 6 * 60 * 60,
      branch: { name: "main", databaseName: "tasks", roleName: "tasks" },
      // As small as it gets, and suspended after Neon's five minutes without a query.
      defaultEndpointSettings: { autoscalingLimitMinCu: 0.25, autoscalingLimitMaxCu: 1 },
    },
    keepData,
  );
  return { url: project.connectionUriPooler };
}
