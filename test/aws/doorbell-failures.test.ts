/** What becomes of a ring when AWS throttles, fails, is slow or does not answer at all. */
import { afterAll, describe, expect, test } from "vitest";
import { systemClock } from "#core";
import { createRinger } from "../../packages/core/doorbell/ringer.ts";
import type { Fault } from "../support/aws/aws-endpoint.ts";
import { AwsError } from "../support/aws/aws-error.ts";
import { type OpenDoorbell, type OpenOptions, openDoorbell, TICK_ARN } from "../support/aws/open-doorbell.ts";

const opened: OpenDoorbell[] = [];
const open = async (options: OpenOptions = {}) => {
  const one = await openDoorbell(options);
  opened.push(one);
  return one;
};
afterAll(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

const throttled = new AwsError("ThrottlingException", "Rate exceeded");
const answers = ({ aws }: OpenDoorbell) => aws.requests.map(({ answer }) => answer);
const inTenMinutes = ({ clock }: OpenDoorbell) => ({ atMs: clock.nowMs + 600_000, inMs: 600_000 });

/** The doorbell's own bound is five seconds, and a pause that has begun; a busy machine needs a moment more. */
const BOUND_MS = 9_000;

describe.concurrent("is tried again", () => {
  test.each<[string, Fault]>([
    ["a throttled request", throttled],
    ["a failure of the service", new AwsError("InternalServerException", "Internal error")],
    ["a service that is not there", new AwsError("ServiceUnavailableException", "Service unavailable")],
    ["a connection that ends", "drop"],
    ["a request whose answer is lost", "lose"],
    ["a try that takes longer than two seconds", { afterMs: 60_000 }],
  ])("%s", async (_, fault) => {
    const one = await open();
    one.aws.faults.of = (_request, nth) => (nth === 1 ? fault : undefined);
    await Promise.all([one.doorbell.ringAt(inTenMinutes(one)), one.doorbell.ring()]);
    expect(one.aws.scheduler.schedules.size).toBe(1);
    // A ring whose answer was lost is doubled, and harmless.
    expect(one.aws.invocations).toContainEqual({ functionArn: TICK_ARN, event: {} });
    expect(one.aws.requests).toHaveLength(4);
  });

  test("with a token that says that it is the same request", async () => {
    const one = await open();
    one.aws.faults.of = (_request, nth) => (nth <= 2 ? throttled : undefined);
    await one.doorbell.ringAt(inTenMinutes(one));
    const tokens = new Set(one.aws.requests.map(({ body }) => body.ClientToken));
    expect(answers(one)).toEqual(["ThrottlingException", "ThrottlingException", "ok"]);
    expect(tokens.size).toBe(1);
  });

  test("after pauses that are not all the same", async () => {
    const pauses = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const one = await open();
        one.aws.faults.of = (_request, nth) => (nth === 1 ? throttled : undefined);
        await one.doorbell.ring();
        const [first, second] = one.aws.requests.map(({ arrivedAtMs }) => arrivedAtMs);
        return (second ?? 0) - (first ?? 0);
      }),
    );
    expect(new Set(pauses).size).toBeGreaterThan(1);
  });
});

describe.concurrent("is given up", () => {
  test("after three tries that were throttled", async () => {
    const one = await open();
    one.aws.faults.of = () => throttled;
    await expect(one.doorbell.ringAt(inTenMinutes(one))).rejects.toThrow("Rate exceeded");
    expect(answers(one)).toHaveLength(3);
    // The next ring for the same minute tries again.
    one.aws.faults.of = () => undefined;
    await one.doorbell.ringAt(inTenMinutes(one));
    expect(one.aws.scheduler.schedules.size).toBe(1);
  });

  test("after five seconds without an answer, and the error says for what", async () => {
    // Without the limits of a try, so that it is this one that ends it.
    const one = await open({ sdk: { requestHandler: {} } });
    one.aws.faults.of = () => ({ afterMs: 60_000 });
    const began = performance.now();
    await Promise.all([
      expect(one.doorbell.ringAt(inTenMinutes(one))).rejects.toThrow(
        "the schedule wake-202611240910 was not accepted within 5000 ms",
      ),
      expect(one.doorbell.ring()).rejects.toThrow(
        "an invocation of the tick was not accepted within 5000 ms",
      ),
    ]);
    expect(performance.now() - began).toBeLessThan(BOUND_MS);
  });
});

describe.concurrent("breaks nothing", () => {
  const ringerOf = ({ doorbell, log, clock }: OpenDoorbell) => {
    const write = (message: string, fields = {}) => void log.push({ message, ...fields });
    const logger = { debug: write, info: write, warn: write, error: write, with: () => logger };
    const time = { ...systemClock, now: () => clock.nowMs };
    return createRinger(doorbell, time, logger, { horizonMs: 1_200_000 });
  };

  test("a failure to ring is logged with the task that it was for", async () => {
    const one = await open();
    one.aws.faults.of = () => new AwsError("AccessDeniedException", "User is not authorized");
    const ringer = ringerOf(one);
    const { nowMs } = one.clock;
    await ringer.ringFor(
      [
        { id: 7, rev: 1, kind: "waiting", atMs: nowMs + 600_000 },
        { id: 8, rev: 1, kind: "waiting", atMs: nowMs + 700_000 },
        { id: 9, rev: 1, kind: "waiting", atMs: nowMs + 86_400_000 },
      ],
      nowMs,
    );
    await ringer.ring();
    await ringer.ringAfter(60_000);
    const message = "the doorbell could not be rung; the next refresh rings again";
    const error = "User is not authorized";
    expect(one.log).toMatchObject([
      { message, task: 7, dueAtMs: nowMs + 600_000, error },
      { message, task: 8, dueAtMs: nowMs + 700_000, error },
      { message, error },
      { message, delayMs: 60_000, error },
    ]);
    // What will never be allowed is not tried again and again.
    expect(answers(one)).toEqual(Array.from({ length: 4 }, () => "AccessDeniedException"));
  });

  test("and one that fails does not keep another from ringing", async () => {
    const one = await open();
    one.aws.faults.of = ({ name }) =>
      name === "wake-202611240910" ? new AwsError("ResourceNotFoundException", "no such group") : undefined;
    const { nowMs } = one.clock;
    await ringerOf(one).ringFor(
      [600_000, 700_000].map((inMs, id) => ({ id, rev: 1, kind: "waiting" as const, atMs: nowMs + inMs })),
      nowMs,
    );
    expect([...one.aws.scheduler.schedules.keys()]).toEqual(["wake-202611240912"]);
    expect(one.log).toMatchObject([{ task: 0, error: "no such group" }]);
  });
});
