/** The stand-ins of AWS refuse what AWS refuses; else the doorbell would pass against anything. */
import { describe, expect, test } from "vitest";
import { checkInvoke } from "../support/aws/invoke-service.ts";
import { GROUP, ROLE_ARN, TICK_ARN } from "../support/aws/open-doorbell.ts";
import type { CreateScheduleInput } from "../support/aws/schedule-rules.ts";
import { createSchedulerService } from "../support/aws/scheduler-service.ts";

const NOW_MS = Date.parse("2026-11-24T09:00:30Z");
const good = {
  GroupName: GROUP,
  ScheduleExpression: "at(2026-11-24T09:09:00)",
  ScheduleExpressionTimezone: "UTC",
  FlexibleTimeWindow: { Mode: "OFF" },
  ActionAfterCompletion: "DELETE",
  Target: { Arn: TICK_ARN, RoleArn: ROLE_ARN, Input: "{}" },
} satisfies CreateScheduleInput;
const target = (changes: object) => ({ Target: { ...good.Target, ...changes } });

describe("EventBridge Scheduler", () => {
  const service = () => createSchedulerService({ groupName: GROUP, roleArn: ROLE_ARN, now: () => NOW_MS });

  test("takes what is right", () => {
    expect(service().create("wake-202611240910", good)).toEqual({
      ScheduleArn: `arn:aws:scheduler:us-east-1:123456789012:schedule/${GROUP}/wake-202611240910`,
    });
  });

  test.each<[string, string, object, string?]>([
    ["a name with a slash", "ValidationException", {}, "wake/1"],
    ["a name of 65 characters", "ValidationException", {}, "w".repeat(65)],
    ["a zone in the expression", "ValidationException", { ScheduleExpression: "at(2026-11-24T09:09:00Z)" }],
    ["milliseconds", "ValidationException", { ScheduleExpression: "at(2026-11-24T09:09:00.000)" }],
    ["a day that there is not", "ValidationException", { ScheduleExpression: "at(2026-11-31T09:09:00)" }],
    ["a time that is past", "ValidationException", { ScheduleExpression: "at(2026-11-24T09:00:30)" }],
    ["no flexible window", "ValidationException", { FlexibleTimeWindow: undefined }],
    ["another mode of it", "ValidationException", { FlexibleTimeWindow: { Mode: "off" } }],
    ["another action after it", "ValidationException", { ActionAfterCompletion: "Delete" }],
    ["no target", "ValidationException", { Target: undefined }],
    ["a target that is no ARN", "ValidationException", target({ Arn: "tickwork-test-tick" })],
    ["a role that is no ARN", "ValidationException", target({ RoleArn: "tickwork" })],
    ["input that is no JSON", "ValidationException", target({ Input: "{" })],
    [
      "retries without a bound",
      "ValidationException",
      target({ RetryPolicy: { MaximumRetryAttempts: 186 } }),
    ],
    [
      "a wake-up that is too short-lived",
      "ValidationException",
      target({ RetryPolicy: { MaximumEventAgeInSeconds: 59 } }),
    ],
    ["a token with a space", "ValidationException", { ClientToken: "not one" }],
    ["a queue that is no ARN", "ValidationException", target({ DeadLetterConfig: { Arn: "queue" } })],
    ["a group that is not there", "ResourceNotFoundException", { GroupName: "default" }],
    ["a role that may not be passed", "AccessDeniedException", target({ RoleArn: `${ROLE_ARN}-2` })],
  ])("refuses %s", (_, code, changes, name = "wake-202611240910") => {
    expect(() => service().create(name, { ...good, ...changes })).toThrow(expect.objectContaining({ code }));
  });

  test("has a name once, and knows a request that is repeated", () => {
    const scheduler = service();
    const token = "b7c9d2e4-6f1a-4c3b-8d5e-0a1b2c3d4e5f";
    const made = scheduler.create("wake-202611240910", { ...good, ClientToken: token });
    expect(scheduler.create("wake-202611240910", { ...good, ClientToken: token })).toEqual(made);
    expect(() => scheduler.create("wake-202611240910", good)).toThrow(
      expect.objectContaining({ code: "ConflictException" }),
    );
  });
});

describe("Lambda's Invoke", () => {
  const invoke = (changes: object = {}) =>
    checkInvoke([TICK_ARN], { name: TICK_ARN, type: "Event", payload: '{"askPostgres":true}', ...changes });

  test("takes what is right, by any name of the function", () => {
    for (const name of [TICK_ARN, "tickwork-test-tick"])
      expect(invoke({ name })).toEqual({ functionArn: TICK_ARN, event: { askPostgres: true } });
  });

  test.each([
    ["a name that is none", "InvalidParameterValueException", { name: "tick/1" }],
    ["who would wait for the answer", "InvalidParameterValueException", { type: "RequestResponse" }],
    ["a function that is not there", "ResourceNotFoundException", { name: `${TICK_ARN}-2` }],
    ["what is no JSON", "InvalidRequestContentException", { payload: "askPostgres" }],
    ["too much", "RequestEntityTooLargeException", { payload: JSON.stringify("x".repeat(1024 * 1024)) }],
  ])("refuses %s", (_, code, changes) => {
    expect(() => invoke(changes)).toThrow(expect.objectContaining({ code }));
  });
});
