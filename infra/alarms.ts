/**
 * The alarms that need a person. What it means that a metric has no data differs from one to the next, so each alarm
 * says it.
 */
import type { Measurements } from "../packages/core/metrics.ts";
import { service } from "./names.ts";

const MINUTE_SECONDS = 60;
const PERIOD_SECONDS = 5 * MINUTE_SECONDS;

/** How late a task may be before somebody should look. */
const LATE_SECONDS = 5 * MINUTE_SECONDS;

/** A schedule is precise to a minute, and a metric takes a minute or two to arrive. */
const LEAST_WAIT_SECONDS = 15 * MINUTE_SECONDS;

export interface AlarmParts {
  deadLetters: aws.sqs.Queue;
  tick: sst.aws.Function;
  refresh: sst.aws.Function;
  api: sst.aws.Function;
  /** Minutes between two refreshes. */
  refreshMinutes: number;
  /** Gets a mail for each alarm, after confirming to AWS that it wants them. */
  email: string | undefined;
}

type MissingData = "breaching" | "notBreaching" | "ignore";
type AlarmArgs = Partial<aws.cloudwatch.MetricAlarmArgs> & { treatMissingData: MissingData };

export function alarms({ deadLetters, tick, refresh, api, refreshMinutes, email }: AlarmParts): void {
  const actions = email ? [mailTo(email)] : [];
  const alarm = (logicalName: string, name: string, args: AlarmArgs) =>
    new aws.cloudwatch.MetricAlarm(`TickworkAlarm${logicalName}`, {
      name: `${service}-${name}`,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
      evaluationPeriods: 1,
      period: PERIOD_SECONDS,
      alarmActions: actions,
      okActions: actions,
      ...args,
    });

  alarm("DeadLetters", "dead-letters", {
    alarmDescription: "A call of tick or refresh failed for good. The message in the queue says why.",
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: deadLetters.name },
    statistic: "Maximum",
    // SQS measures a queue as long as there is a message in it.
    treatMissingData: "notBreaching",
  });
  alarm("TickErrors", "tick-errors", {
    ...ofFunction(tick, "Errors"),
    alarmDescription: "A tick crashed or ran out of time. Its task will run again.",
  });
  alarm("TicksFailing", "ticks-failing", {
    ...measured("TicksFailed", "Sum"),
    alarmDescription: "Ticks have been failing for ten minutes: most likely Postgres does not answer them.",
    // They ring for the next one by themselves, so that a short outage needs nobody.
    evaluationPeriods: 2,
    // Sent only by a tick that failed.
    treatMissingData: "notBreaching",
  });

  // A ring and a refresh wait in Lambda's queue until there is room, so only what lasts needs somebody: after a burst of
  // rings, the account's limit is met for a moment.
  for (const [logicalName, name, fn] of [
    ["TickThrottled", "tick-throttled", tick],
    ["RefreshThrottled", "refresh-throttled", refresh],
  ] as const)
    alarm(logicalName, name, {
      ...ofFunction(fn, "Throttles"),
      alarmDescription:
        "For a quarter of an hour, the account has had no execution free whenever one was due.",
      evaluationPeriods: 3,
    });
  alarm("ApiThrottled", "api-throttled", {
    ...ofFunction(api, "Throttles"),
    alarmDescription: "Requests to the API were refused: the account had no execution free.",
  });

  alarm("NoRefresh", "no-refresh", {
    ...measured("RefreshMilliseconds", "SampleCount"),
    alarmDescription:
      "No refresh has succeeded lately. Until one does, a wake-up that is lost is not made up for.",
    comparisonOperator: "LessThanThreshold",
    threshold: 1,
    // For two intervals, as the API's health. In short periods: CloudWatch looks back over a few more before it believes
    // that data is missing.
    evaluationPeriods: Math.ceil(
      Math.max(2 * refreshMinutes * MINUTE_SECONDS, LEAST_WAIT_SECONDS) / PERIOD_SECONDS,
    ),
    // Sent by each refresh that succeeds: none is just what this is about.
    treatMissingData: "breaching",
  });
  alarm("LateTask", "late-task", {
    ...measured("OldestDueAgeSeconds", "Maximum"),
    alarmDescription: "A task has been due for more than five minutes and has not started.",
    threshold: LATE_SECONDS,
    // Sent by refreshes, which come less often than this looks: between two of them, the last word stands.
    treatMissingData: "ignore",
  });
  alarm("WaitingForCode", "waiting-for-code", {
    ...measured("WaitingForCodeSeconds", "Maximum"),
    alarmDescription:
      "A task has been due for more than five minutes whose type, or version of it, nobody here runs. A refresh has logged which it is.",
    // A deployment that is under way takes less.
    threshold: LATE_SECONDS,
    treatMissingData: "ignore",
  });
}

/** A function that is not called has no errors, and is refused nothing. */
function ofFunction(fn: sst.aws.Function, metricName: "Errors" | "Throttles") {
  return {
    namespace: "AWS/Lambda",
    metricName,
    dimensions: { FunctionName: fn.name },
    statistic: "Sum",
    treatMissingData: "notBreaching",
  } as const;
}

/** What the functions write in the embedded metric format. */
function measured(metricName: keyof Measurements, statistic: "Sum" | "Maximum" | "SampleCount") {
  return { namespace: "Tickwork", metricName, dimensions: { service }, statistic };
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
