/** What makes a tick happen: invocations of the function, and EventBridge schedules in a group of their own. */
import { accountId, arn, service } from "./names.ts";

export type Doorbell = ReturnType<typeof doorbell>;

/** A fixed name, so that its ARN is known before the function exists: tick needs its own ARN. */
export const TICK = "tick";

export function doorbell(deadLetters: aws.sqs.Queue) {
  const tickArn = arn("lambda", `function:${service}-${TICK}`);
  const group = new aws.scheduler.ScheduleGroup("TickworkSchedules", { name: `${service}-tasks` });
  const role = new aws.iam.Role("TickworkScheduler", {
    name: `${service}-scheduler`,
    assumeRolePolicy: assumedByScheduler(group.arn),
    inlinePolicies: [
      {
        name: "ring",
        policy: aws.iam.getPolicyDocumentOutput({
          statements: [
            { actions: ["lambda:InvokeFunction"], resources: [tickArn] },
            { actions: ["sqs:SendMessage"], resources: [deadLetters.arn] },
          ],
        }).json,
      },
    ],
  });
  return {
    tickArn,
    group,
    role,
    /** What a function needs to know to ring. */
    environment: {
      TICK_ARN: tickArn,
      SCHEDULE_GROUP: group.name,
      SCHEDULE_ROLE_ARN: role.arn,
      DEAD_LETTER_ARN: deadLetters.arn,
    },
    /** What a function may do to ring, and no more: none may read, change or delete a schedule. */
    permissions: [
      { actions: ["lambda:InvokeFunction"], resources: [tickArn] },
      {
        // Schedules are named after their minute, so the group is as narrow as it gets.
        actions: ["scheduler:CreateSchedule"],
        resources: [arn("scheduler", $interpolate`schedule/${group.name}/*`)],
      },
      {
        actions: ["iam:PassRole"],
        resources: [role.arn],
        conditions: [
          { test: "StringEquals", variable: "iam:PassedToService", values: ["scheduler.amazonaws.com"] },
        ],
      },
    ] satisfies sst.aws.FunctionPermissionArgs[],
  };
}

/** For schedules of one group of this account. EventBridge Scheduler can name nothing narrower than a group. */
export function assumedByScheduler(groupArn: $util.Input<string>): $util.Output<string> {
  return aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        actions: ["sts:AssumeRole"],
        principals: [{ type: "Service", identifiers: ["scheduler.amazonaws.com"] }],
        conditions: [
          { test: "StringEquals", variable: "aws:SourceAccount", values: [accountId] },
          { test: "ArnEquals", variable: "aws:SourceArn", values: [groupArn] },
        ],
      },
    ],
  }).json;
}
