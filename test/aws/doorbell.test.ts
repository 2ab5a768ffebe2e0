/** When the doorbell of AWS rings, and what it asks of AWS for that. */
import { afterEach, describe, expect, test } from "vitest";
import { ARMED_MS } from "../../packages/core/limits.ts";
import { AwsError } from "../support/aws/aws-error.ts";
import {
  DEAD_LETTER_ARN,
  type OpenDoorbell,
  type OpenOptions,
  openDoorbell,
  ROLE_ARN,
  TICK_ARN,
} from "../support/aws/open-doorbell.ts";

const opened: OpenDoorbell[] = [];
const open = async (options: OpenOptions = {}) => {
  const one = await openDoorbell(options);
  opened.push(one);
  return one;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

const MINUTE_MS = 60_000;
const ms = (time: string) => Date.parse(`2026-11-24T${time}Z`);
/** A moment as the clock of the doorbell has it. */
const due = ({ clock }: OpenDoorbell, time: string) => ({ atMs: ms(time), inMs: ms(time) - clock.nowMs });

describe("ring", () => {
  test("is an asynchronous invocation of the tick, with what it is told", async () => {
    const { doorbell, aws } = await open();
    await doorbell.ring();
    await doorbell.ring({ askPostgres: true });
    expect(aws.invocations).toEqual([
      { functionArn: TICK_ARN, event: {} },
      { functionArn: TICK_ARN, event: { askPostgres: true } },
    ]);
  });

  test("reaches a function by a qualified name", async () => {
    const live = `${TICK_ARN}:live`;
    const { doorbell, aws } = await open({ tells: { tickArn: live }, functionArns: [live] });
    await doorbell.ring();
    expect(aws.invocations).toEqual([{ functionArn: live, event: {} }]);
  });
});

describe("ringAt", () => {
  test("makes a schedule that is named after the minute, a minute early, and goes away when it has fired", async () => {
    const one = await open();
    await one.doorbell.ringAt(due(one, "09:10:42.500"));
    expect(one.aws.requests).toMatchObject([
      {
        operation: "CreateSchedule",
        name: "wake-202611240910",
        answer: "ok",
        body: {
          ScheduleExpression: "at(2026-11-24T09:09:00)",
          ScheduleExpressionTimezone: "UTC",
          FlexibleTimeWindow: { Mode: "OFF" },
          ActionAfterCompletion: "DELETE",
          Target: {
            Arn: TICK_ARN,
            RoleArn: ROLE_ARN,
            Input: "{}",
            DeadLetterConfig: { Arn: DEAD_LETTER_ARN },
            // An hour at most: the refresh rings for what is still due.
            RetryPolicy: { MaximumRetryAttempts: 10, MaximumEventAgeInSeconds: 3_600 },
          },
        },
      },
    ]);
  });

  test.each([
    { what: "exactly at a minute", at: "09:10:00", name: "wake-202611240910", fires: "09:09:00" },
    { what: "a millisecond before it", at: "09:09:59.999", name: "wake-202611240909", fires: "09:08:00" },
    { what: "a millisecond after it", at: "09:10:00.001", name: "wake-202611240910", fires: "09:09:00" },
  ])("$what", async ({ at, name, fires }) => {
    const one = await open();
    await one.doorbell.ringAt(due(one, at));
    const schedule = one.aws.scheduler.schedules.get(name);
    expect(schedule?.atMs).toBe(ms(fires));
    // However late EventBridge is, it is not later than the task.
    expect((schedule?.atMs ?? 0) + MINUTE_MS).toBeLessThanOrEqual(ms(at));
  });

  test.each([
    ["in the past", -86_400_000],
    ["now", 0],
    ["soon", 1_000],
    ["as early as a schedule may wake a tick", 2 * MINUTE_MS],
  ])("%s, it rings at once: the tick sleeps until then", async (_, inMs) => {
    const { doorbell, aws, clock } = await open();
    expect(doorbell.earlyMs).toBe(2 * MINUTE_MS);
    await doorbell.ringAt({ atMs: clock.nowMs + inMs, inMs });
    expect(aws.requests.map(({ operation }) => operation)).toEqual(["Invoke"]);
  });

  test("a schedule is never set to a time that is past when the request arrives", async () => {
    // Due in a moment more than two minutes, at the end of its minute: a minute before the minute is over already.
    const one = await open({ at: "2026-11-24T09:00:59.500Z" });
    await one.doorbell.ringAt(due(one, "09:02:59.800"));
    await one.doorbell.ringAt(due(one, "09:02:59.900"));
    expect([...one.aws.scheduler.schedules.values()]).toMatchObject([
      { name: "look-20261124090105", atMs: ms("09:01:05") },
    ]);
    expect(one.aws.invocations).toEqual([]);
  });

  test("the name of a schedule that may have fired is not used again: it may still be there", async () => {
    // The clock of Postgres is three seconds behind: to it, the task is due in more than two minutes.
    const one = await open({ at: "2026-11-24T09:01:02Z" });
    one.aws.scheduler.schedules.set("wake-202611240902", {
      name: "wake-202611240902",
      atMs: ms("09:01:00"),
      targetArn: TICK_ARN,
      input: "{}",
      deleted: true,
    });
    await one.doorbell.ringAt({ atMs: ms("09:02:59.900"), inMs: 2 * MINUTE_MS + 900 });
    expect(one.aws.requests).toMatchObject([{ name: "look-20261124090107", answer: "ok" }]);
  });

  test("a thousand rings of one minute are one request, and another process's is one more", async () => {
    const one = await open();
    const rings = (doorbell = one.doorbell) =>
      Promise.all(
        Array.from({ length: 1_000 }, (_, n) =>
          doorbell.ringAt({ atMs: ms("09:10:00") + n, inMs: ms("09:10:00") + n - one.clock.nowMs }),
        ),
      );
    await rings();
    await rings();
    expect(one.aws.requests).toMatchObject([{ name: "wake-202611240910", answer: "ok" }]);
    await rings(one.another());
    expect(one.aws.requests).toMatchObject([{ answer: "ok" }, { answer: "ConflictException" }]);
    expect(one.aws.invocations).toEqual([]);
  });

  test("what a process remembers of its schedules ends with them", async () => {
    const one = await open();
    await one.doorbell.ringAt(due(one, "09:10:00"));
    one.clock.nowMs = ms("09:09:01");
    expect(one.aws.scheduler.due()).toHaveLength(1);
    // By a clock that is behind, the same minute is far away once more.
    one.clock.nowMs = ms("09:00:00");
    await one.doorbell.ringAt(due(one, "09:10:00"));
    one.clock.nowMs = ms("10:00:00");
    await one.doorbell.ringAt(due(one, "10:10:00"));
    one.clock.nowMs = ms("09:00:00");
    await one.doorbell.ringAt(due(one, "09:10:00"));
    expect(one.aws.requests.map(({ name, answer }) => `${name} ${answer}`)).toEqual([
      "wake-202611240910 ok",
      "wake-202611241010 ok",
      "wake-202611240910 ok",
    ]);
  });
});

describe("ringAfter", () => {
  test("is never early, and the same second is one schedule, whoever asks", async () => {
    const one = await open({ at: "2026-11-24T09:00:30.250Z" });
    await one.doorbell.ringAfter(61_000);
    one.clock.nowMs += 400;
    await one.another().ringAfter(60_600);
    await one.doorbell.ringAfter(60_351);
    expect(one.aws.requests.map(({ name, answer }) => `${name} ${answer}`)).toEqual([
      "look-20261124090132 ok",
      "look-20261124090132 ConflictException",
    ]);
    expect(one.aws.scheduler.schedules.get("look-20261124090132")?.atMs).toBe(ms("09:01:32"));
    await one.doorbell.ringAfter(61_351);
    expect(one.aws.scheduler.schedules.get("look-20261124090133")?.atMs).toBe(ms("09:01:33"));
  });

  test("hands on what the tick is to be told, and does not mix it up", async () => {
    const { doorbell, aws } = await open();
    await doorbell.ringAfter(60_000, { by: "held" });
    await doorbell.ringAfter(60_000, { by: "held" });
    await doorbell.ringAfter(60_000);
    await doorbell.ringAfter(60_000, { by: "refresh", askPostgres: true });
    expect([...aws.scheduler.schedules.values()]).toMatchObject([
      { name: "look-20261124090130-held", input: '{"by":"held"}' },
      { name: "look-20261124090130", input: "{}" },
      { name: "look-20261124090130-refresh-ask", input: '{"by":"refresh","askPostgres":true}' },
    ]);
    expect(aws.requests).toHaveLength(3);
  });

  test("makes few schedules while a flag is renewed again and again, and for ticks that fail", async () => {
    const one = await open({ at: "2026-11-24T09:00:00Z" });
    // Each second somebody meets the held flag, whose end is another one each time.
    for (let second = 0; second < 120; second++) {
      await one.doorbell.ringAfter(60_000 + (second % 7), { by: "held" });
      await one.another().ringAfter(30_000 + (second % 5), { failures: (second % 3) + 1 });
      one.clock.nowMs += 1_000;
    }
    const names = [...one.aws.scheduler.schedules.keys()];
    const count = (what: string) => names.filter((name) => name.endsWith(what)).length;
    expect([count("held"), count("failed")]).toEqual([9, 9]);
  });

  test("is one schedule in fifteen seconds for all transactions that arm it", async () => {
    const one = await open();
    for (let n = 0; n < 600; n++) {
      await one.doorbell.ringAfter(ARMED_MS, { askPostgres: true, by: "armed" });
      one.clock.nowMs += 100;
    }
    const names = [...one.aws.scheduler.schedules.keys()];
    expect(names.every((name) => name.endsWith("-armed-ask"))).toBe(true);
    expect(names.length).toBeLessThanOrEqual(5);
    expect(one.aws.requests).toHaveLength(names.length);
  });

  test.each([-1_000, 0, 1, 1_000])(
    "after %i ms: as soon as a schedule can be sure to be to come",
    async (delayMs) => {
      const one = await open({ at: "2026-11-24T09:00:30.250Z" });
      await one.doorbell.ringAfter(delayMs);
      expect(one.aws.requests).toMatchObject([{ name: "look-20261124090036", answer: "ok" }]);
    },
  );
});

describe("what AWS refuses", () => {
  test("a time that is past by its clock: ring now, once", async () => {
    const one = await open();
    one.aws.faults.of = ({ operation }) =>
      operation === "CreateSchedule"
        ? new AwsError("ValidationException", "Invalid Schedule Expression.")
        : undefined;
    await one.doorbell.ringAt(due(one, "09:10:00"));
    await one.doorbell.ringAt(due(one, "09:10:00"));
    expect(one.aws.invocations).toEqual([{ functionArn: TICK_ARN, event: {} }]);
    expect(one.log).toMatchObject([
      { level: "error", schedule: "wake-202611240910", fireAt: "2026-11-24T09:09:00.000Z" },
    ]);
  });

  test("a tick that its own refused schedule rings for does not go round for ever", async () => {
    const one = await open({ tells: { roleArn: "not an arn" } });
    // What an idle tick does: it sees to it that somebody is there at the next due time.
    for (let ticks = 0; ticks <= one.aws.invocations.length && ticks < 10; ticks++)
      await one.doorbell.ringAt(due(one, "09:10:00"));
    expect(one.aws.invocations).toHaveLength(1);
  });

  test.each([
    ["a group that is not there", { groupName: "another" }, /Schedule group another does not exist/],
    ["a role that may not be passed", { roleArn: ROLE_ARN.replace("test", "admin") }, /iam:PassRole/],
  ])("%s is an error of whoever rings", async (_, tells, message) => {
    const one = await open({ tells });
    await expect(one.doorbell.ringAt(due(one, "09:10:00"))).rejects.toThrow(message);
    expect(one.aws.requests).toHaveLength(1);
    // It is not remembered as made.
    await expect(one.doorbell.ringAt(due(one, "09:10:00"))).rejects.toThrow(message);
    expect(one.aws.invocations).toEqual([]);
  });

  test("a function that is not there", async () => {
    const { doorbell, aws } = await open({ functionArns: [] });
    await expect(doorbell.ring()).rejects.toThrow(/Function not found/);
    expect(aws.requests).toHaveLength(1);
  });
});
