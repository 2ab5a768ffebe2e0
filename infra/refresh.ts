/** The function that rebuilds the cache, and the rule that calls it. */

import { retriedThenDead } from "./dead-letters.ts";
import { assumedByScheduler } from "./doorbell.ts";
import { lambda } from "./lambda.ts";
import { arn } from "./names.ts";
import type { ServiceParts } from "./parts.ts";
import { rate } from "./settings.ts";

export function refresh(parts: ServiceParts) {
  const { handlers, settings, vpc, stores, certificates, doorbell, deadLetters, migrated } = parts;
  const dead = retriedThenDead(deadLetters);
  const fn = lambda(
    "TickworkRefresh",
    { name: "refresh", debugging: settings.config.debugging, certificates, after: [migrated] },
    {
      description: "Rebuilds the cache of the tasks that are due soon",
      handler: handlers.path("refresh"),
      nodejs: handlers.nodejs,
      timeout: "2 minutes",
      memory: "512 MB",
      retries: dead.retries,
      vpc,
      link: stores,
      permissions: [...doorbell.permissions, dead.permission],
      environment: { ...settings.environment, ...doorbell.environment },
      transform: { eventInvokeConfig: dead.eventInvokeConfig },
    },
  );
  // Two things can fail, and each is retried: Scheduler's call of Lambda, and the function itself.
  new sst.aws.CronV2("TickworkRefreshRule", {
    schedule: rate(settings.refreshMinutes),
    function: fn.arn,
    retries: 2,
    dlq: deadLetters.arn,
    transform: {
      role: { assumeRolePolicy: assumedByScheduler(arn("scheduler", "schedule-group/default")) },
    },
  });
  return fn;
}
