/** The alarms that need a person. */
import { service } from "./names.ts";

const MINUTE_SECONDS = 60;

/** What the functions emit in the embedded metric format. */
const METRICS = { namespace: "Tickwork", oldestDueAge: "OldestDueAgeSeconds", dimension: "service" };

export interface AlarmParts {
  deadLetters: aws.sqs.Queue;
  tick: sst.aws.Function;
  /** Gets a mail for each alarm, after confirming to AWS that it wants them. */
  email: string | undefined;
}

export function alarms({ deadLetters, tick, email }: AlarmParts): void {
  const actions = email ? [mailTo(email)] : [];
  const alarm = (logicalName: string, name: string, args: Partial<aws.cloudwatch.MetricAlarmArgs>) =>
    new aws.cloudwatch.MetricAlarm(logicalName, {
      name: `${service}-${name}`,
      comparisonOperator: "GreaterThanThreshold",
      evaluationPeriods: 1,
      period: 5 * MINUTE_SECONDS,
      // With nothing due nothing runs, so there is no data and nothing is wrong.
      treatMissingData: "notBreaching",
      alarmActions: actions,
      okActions: actions,
      ...args,
    });

  alarm("TickworkAlarmDeadLetters", "dead-letters", {
    alarmDescription: "A call of tick or refresh failed for good. The message in the queue says why.",
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: deadLetters.name },
    statistic: "Maximum",
    threshold: 0,
  });
  alarm("TickworkAlarmTickErrors", "tick-errors", {
    alarmDescription: "A tick crashed or ran out of time. Its task will run again.",
    namespace: "AWS/Lambda",
    metricName: "Errors",
    dimensions: { FunctionName: tick.name },
    statistic: "Sum",
    threshold: 0,
  });
  alarm("TickworkAlarmLateTask", "late-task", {
    alarmDescription: "A task has been due for more than five minutes and has not started.",
    namespace: METRICS.namespace,
    metricName: METRICS.oldestDueAge,
    dimensions: { [METRICS.dimension]: service },
    statistic: "Maximum",
    threshold: 5 * MINUTE_SECONDS,
  });
}

function mailTo(email: string): $util.Output<string> {
  const topic = new aws.sns.Topic("TickworkAlarms", { name: `${service}-alarms` });
  new aws.sns.TopicSubscription("TickworkAlarmMail", {
    topic: topic.arn,
    protocol: "email",
    endpoint: email,
  });
  return topic.arn;
}
