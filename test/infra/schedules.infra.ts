/** The refresh rule, and everything else that is called asynchronously. */
import { describe, expect, test } from "vitest";
import { program } from "../support/infra/program.ts";
import type { ScenarioName } from "../support/infra/scenarios.ts";

const DEAD_LETTERS = "arn:aws:sqs:us-east-1:123456789012:tickwork-dev-dead-letters";
const dev = program("dev");

describe("the refresh rule", () => {
  // Whole minutes, rounded down: a refresh may come sooner than asked, never later.
  test.each<[ScenarioName, string, string]>([
    ["every second", "rate(1 minute)", "60"],
    ["every minute", "rate(1 minute)", "60"],
    ["tuned", "rate(1 minute)", "60"],
    ["dev", "rate(10 minutes)", "600"],
    ["production", "rate(10 minutes)", "600"],
    ["every four hours", "rate(180 minutes)", "10800"],
  ])("%s: %s, and the functions are told %s s", (name, rate, seconds) => {
    const { one, environment } = program(name);
    expect(one("TickworkRefreshRuleSchedule").inputs).toMatchObject({
      scheduleExpression: rate,
      state: "ENABLED",
      flexibleTimeWindow: { mode: "OFF" },
    });
    for (const fn of ["TickworkTickFunction", "TickworkRefreshFunction", "TickworkApiFunction"])
      expect(environment(fn)).toMatchObject({ TASK_LIST_REFRESH_INTERVAL: seconds });
  });

  test("calls only the refresh, is retried, and keeps what it could not deliver", () => {
    expect(dev.one("TickworkRefreshRuleSchedule").inputs.target).toEqual({
      arn: "arn:aws:lambda:us-east-1:123456789012:function:tickwork-dev-refresh",
      roleArn: expect.stringContaining("TickworkRefreshRuleRole"),
      input: "{}",
      retryPolicy: { maximumRetryAttempts: 2 },
      deadLetterConfig: { arn: DEAD_LETTERS },
    });
  });
});

describe("asynchronous calls of functions", () => {
  test.each(["Tick", "Refresh"])(
    "%s is retried twice, for an hour, then goes to the dead letters",
    (name) => {
      expect(dev.one(`Tickwork${name}EventInvokeConfig`).inputs).toMatchObject({
        functionName: `tickwork-dev-${name.toLowerCase()}`,
        maximumRetryAttempts: 2,
        maximumEventAgeInSeconds: 3_600,
        destinationConfig: { onFailure: { destination: DEAD_LETTERS } },
      });
    },
  );

  test("there are no others", () => {
    expect(dev.all("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")).toHaveLength(2);
    expect(dev.all("aws:scheduler/schedule:Schedule")).toHaveLength(1);
    expect(dev.resources.filter(({ type }) => /EventRule|EventSourceMapping|Pipe/.test(type))).toEqual([]);
  });

  test("Lambda lets a tick ring for the next one without end", () => {
    expect(dev.one("TickworkTickRecursion").inputs).toEqual({
      functionName: "tickwork-dev-tick",
      recursiveLoop: "Allow",
    });
  });
});

test("wake-ups have a group of their own, and the functions are told it and the dead letters", () => {
  expect(dev.one("TickworkSchedules").inputs.name).toBe("tickwork-dev-tasks");
  for (const fn of ["TickworkTickFunction", "TickworkRefreshFunction", "TickworkApiFunction"])
    expect(dev.environment(fn)).toMatchObject({
      TICK_ARN: "arn:aws:lambda:us-east-1:123456789012:function:tickwork-dev-tick",
      SCHEDULE_GROUP: "tickwork-dev-tasks",
      SCHEDULE_ROLE_ARN: "arn:aws:iam::123456789012:role/tickwork-dev-scheduler",
      DEAD_LETTER_ARN: DEAD_LETTERS,
    });
});

test("dead letters are kept for two weeks, encrypted", () => {
  expect(dev.one("TickworkDeadLetters").inputs).toEqual({
    name: "tickwork-dev-dead-letters",
    messageRetentionSeconds: 1_209_600,
    sqsManagedSseEnabled: true,
  });
});
