/** The alarms, and who hears of them. */
import { describe, expect, test } from "vitest";
import { program } from "../support/infra/program.ts";
import type { ScenarioName } from "../support/infra/scenarios.ts";

const dev = program("dev");
const FIVE_MINUTES = 300;

/** What every alarm has unless it says otherwise. */
const USUAL = {
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0,
  period: FIVE_MINUTES,
  evaluationPeriods: 1,
};
const ofFunction = (metricName: string, name: string) => ({
  namespace: "AWS/Lambda",
  metricName,
  dimensions: { FunctionName: `tickwork-dev-${name}` },
  statistic: "Sum",
});
const measured = (metricName: string, statistic: string) => ({
  namespace: "Tickwork",
  metricName,
  dimensions: { service: "tickwork-dev" },
  statistic,
});

/** By what it means when there is no data. */
const ALARMS = {
  "nothing happened, and nothing is wrong": {
    TickworkAlarmDeadLetters: {
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: "tickwork-dev-dead-letters" },
      statistic: "Maximum",
      treatMissingData: "notBreaching",
    },
    TickworkAlarmTickErrors: { ...ofFunction("Errors", "tick"), treatMissingData: "notBreaching" },
    TickworkAlarmTicksFailing: {
      ...measured("TicksFailed", "Sum"),
      evaluationPeriods: 2,
      treatMissingData: "notBreaching",
    },
    TickworkAlarmTickThrottled: {
      ...ofFunction("Throttles", "tick"),
      evaluationPeriods: 3,
      treatMissingData: "notBreaching",
    },
    TickworkAlarmRefreshThrottled: {
      ...ofFunction("Throttles", "refresh"),
      evaluationPeriods: 3,
      treatMissingData: "notBreaching",
    },
    TickworkAlarmApiThrottled: { ...ofFunction("Throttles", "api"), treatMissingData: "notBreaching" },
  },
  "that is what is wrong": {
    TickworkAlarmNoRefresh: {
      ...measured("RefreshMilliseconds", "SampleCount"),
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      evaluationPeriods: 4,
      treatMissingData: "breaching",
    },
  },
  "no refresh has looked since, and the last one holds": {
    TickworkAlarmLateTask: {
      ...measured("OldestDueAgeSeconds", "Maximum"),
      threshold: FIVE_MINUTES,
      treatMissingData: "ignore",
    },
    TickworkAlarmWaitingForCode: {
      ...measured("WaitingForCodeSeconds", "Maximum"),
      threshold: FIVE_MINUTES,
      treatMissingData: "ignore",
    },
  },
};

describe.each(Object.entries(ALARMS))("without data, %s:", (_, group) => {
  test.each(Object.entries(group))("%s", (name, expected) => {
    expect(dev.one(name).inputs).toMatchObject({ ...USUAL, ...expected });
  });
});

test("there are no other alarms", () => {
  const names = dev.all("aws:cloudwatch/metricAlarm:MetricAlarm").map(({ name }) => name);
  expect(new Set(names)).toEqual(new Set(Object.values(ALARMS).flatMap(Object.keys)));
});

test.each<[ScenarioName, number]>([
  ["every minute", 15],
  ["dev", 20],
  ["every four hours", 360],
])("%s: refreshes may stay away for %i minutes", (name, minutes) => {
  const { period, evaluationPeriods } = program(name).one("TickworkAlarmNoRefresh").inputs;
  expect(Number(period) * Number(evaluationPeriods)).toBe(minutes * 60);
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
  expect(alarms.length).toBeGreaterThan(0);
  for (const { inputs } of alarms)
    expect(inputs).toMatchObject({ alarmActions: [topic], okActions: [topic] });
});
