/** The function that runs the tasks. */
import { retriedThenDead } from "./dead-letters.ts";
import { TICK } from "./doorbell.ts";
import { lambda } from "./lambda.ts";
import type { TickOptions } from "./options.ts";
import type { ServiceParts } from "./parts.ts";

export function tick(
  { handlers, settings, vpc, stores, certificates, doorbell, deadLetters, migrated }: ServiceParts,
  { link = [], permissions = [], environment = {}, ...own }: TickOptions,
) {
  const dead = retriedThenDead(deadLetters);
  const fn = lambda(
    "TickworkTick",
    { name: TICK, debugging: settings.config.debugging, certificates, after: [migrated] },
    {
      description: "Runs the tasks that are due",
      memory: "512 MB",
      ...own,
      vpc: own.vpc ?? vpc,
      handler: handlers.path("tick"),
      nodejs: handlers.nodejs,
      // The most that Lambda allows.
      timeout: "15 minutes",
      retries: dead.retries,
      link: [...stores, ...link],
      permissions: [...doorbell.permissions, dead.permission, ...permissions],
      environment: {
        ...environment,
        ...settings.environment,
        ...doorbell.environment,
        // The only folder that a function may write to.
        DATA_DIR: "/tmp/tickwork",
      },
      transform: { eventInvokeConfig: dead.eventInvokeConfig },
    },
  );
  // A tick that runs out of time rings for the next one. After about 16 rounds Lambda takes that for a runaway loop, and
  // would stop a queue that is merely long.
  new aws.lambda.FunctionRecursionConfig("TickworkTickRecursion", {
    functionName: fn.name,
    recursiveLoop: "Allow",
  });
  return fn;
}
