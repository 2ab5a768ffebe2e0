/** The alarms, and who hears of them. */
import { expect, test } from "vitest";
import { program } from "../support/infra/program.ts";

const dev = program("dev");
const FIVE_MINUTES = 300;

test.each([
  [
    "TickworkAlarmDeadLetters",
    {
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: "tickwork-dev-dead-letters" },
      statistic: "Maximum",
      threshold: 0,
    },
  ],
  [
    "TickworkAlarmTickErrors",
    {
      namespace: "AWS/Lambda",
      metricName: "Errors",
      dimensions: { FunctionName: "tickwork-dev-tick" },
      statistic: "Sum",
      threshold: 0,
    },
  ],
  [
    "TickworkAlarmLateTask",
    {
      namespace: "Tickwork",
      metricName: "OldestDueAgeSeconds",
      dimensions: { service: "tickwork-dev" },
      statistic: "Maximum",
      threshold: FIVE_MINUTES,
    },
  ],
])("%s", (name, expected) => {
  expect(dev.one(name).inputs).toMatchObject({
    ...expected,
    comparisonOperator: "GreaterThanThreshold",
    period: FIVE_MINUTES,
    evaluationPeriods: 1,
    treatMissingData: "notBreaching",
  });
});

test("without ALARM_EMAIL, no mail is sent", () => {
  expect(dev.all("aws:sns/topic:Topic")).toEqual([]);
  for (const { inputs } of dev.all("aws:cloudwatch/metricAlarm:MetricAlarm"))
    expect(inputs.alarmActions).toEqual([]);
});

test("ALARM_EMAIL gets a mail when an alarm goes off, and when it is over", () => {
  const { one, all } = program("tuned");
  const topic = "arn:aws:sns:us-east-1:123456789012:tickwork-dev-alarms";
  expect(one("TickworkAlarmMail").inputs).toMatchObject({
    topic,
    protocol: "email",
    endpoint: "operator@example.com",
  });
  const alarms = all("aws:cloudwatch/metricAlarm:MetricAlarm");
  expect(alarms).toHaveLength(3);
  for (const { inputs } of alarms)
    expect(inputs).toMatchObject({ alarmActions: [topic], okActions: [topic] });
});
