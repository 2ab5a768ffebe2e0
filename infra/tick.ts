/** The function that runs the tasks. */
import type { Config } from "../packages/core/config.ts";
import { retriedThenDead } from "./dead-letters.ts";
import { TICK } from "./doorbell.ts";
import { lambda } from "./lambda.ts";
import { arn, partition } from "./names.ts";
import type { TickOptions } from "./options.ts";
import type { ServiceParts } from "./parts.ts";

export function tick(
  {
    handlers,
    settings,
    vpc,
    stores,
    handlerSecrets,
    certificates,
    doorbell,
    deadLetters,
    migrated,
  }: ServiceParts,
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
      link: [...stores, ...(handlerSecrets ? [handlerSecrets] : []), ...link],
      permissions: [
        ...doorbell.permissions,
        dead.permission,
        ...shippedPermissions(settings.config),
        ...permissions,
      ],
      environment: {
        ...environment,
        ...settings.environment,
        ...doorbell.environment,
        ...(handlerSecrets && { TICKWORK_HANDLERS: "linked" }),
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

/** What the handlers that ship need, where a setting asks for it. */
function shippedPermissions({ emailSes, exportTo }: Config): sst.aws.FunctionPermissionArgs[] {
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(exportTo ?? "") ?? [];
  return [
    // A mail with headers is a raw one, whichever the action. Senders are the account's identities.
    ...(emailSes
      ? [{ actions: ["ses:SendEmail", "ses:SendRawEmail"], resources: [arn("ses", "identity/*")] }]
      : []),
    // Uploading in parts is the same right; what fails is to leave no parts.
    ...(bucket
      ? [
          {
            actions: ["s3:PutObject", "s3:AbortMultipartUpload"],
            resources: [$interpolate`arn:${partition}:s3:::${bucket}/${prefix ? `${prefix}/` : ""}*`],
          },
        ]
      : []),
  ];
}
