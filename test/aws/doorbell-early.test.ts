/**
 * A tick that a schedule woke: as early as EventBridge may, it still has the time to sleep until the task is due and
 * then to run the longest handler; as late as EventBridge may, it is there before the task is due.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Clock, systemClock } from "#core";
import { openDoorbell } from "../support/aws/open-doorbell.ts";
import { openTestBed, type TestBed } from "../support/bed/bed.ts";
import { noting } from "../support/bed/tasks.ts";
import { eventually } from "../support/eventually.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** What Lambda gives a tick, and what the longest handler may need of it. */
const INVOCATION_MS = 15 * MINUTE_MS;
const LONGEST_HANDLER_MS = 750 * SECOND_MS;

/** Everything here lives faster than the world, clocks of Postgres and Redis included: a minute is three seconds. */
const SPEED = 20;
const realStart = Date.now();
const START_MS = Date.parse("2026-11-24T09:00:00Z");
const now = () => Math.round(START_MS + (Date.now() - realStart) * SPEED);
const clock: Clock = {
  now,
  sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
  after: (ms, act) => systemClock.after(ms / SPEED, act),
};
const POSTGRES_NOW = `to_timestamp(${START_MS / 1000} + (extract(epoch from clock_timestamp()) - ${realStart / 1000}) * ${SPEED})`;

let bed: TestBed;
beforeAll(async () => {
  bed = await openTestBed("embedded", { redisNow: now });
});
afterAll(() => bed.close());

describe("a task of which a schedule reminds", () => {
  test.each([
    { due: "at the end of its minute", intoMinuteMs: 59_999, lateMs: 0, what: "comes as early as it can" },
    { due: "at the start of its minute", intoMinuteMs: 0, lateMs: 55_000, what: "comes as late as it can" },
  ])("is due $due, and the tick $what", async ({ intoMinuteMs, lateMs }) => {
    await bed.clear();
    const { ran, definition } = noting();
    const { doorbell, aws, close } = await openDoorbell({ now });
    const { tasks, worker } = bed.make({ doorbell, clock, now: POSTGRES_NOW, definitions: [definition] });
    await worker.refresh();

    const minute = Math.ceil((now() + 2.5 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS;
    const dueAtMs = minute + intoMinuteMs;
    const [made] = await tasks.create([{ type: "note", scheduled_time: new Date(dueAtMs).toISOString() }]);
    expect([...aws.scheduler.schedules.values()]).toMatchObject([{ atMs: minute - MINUTE_MS }]);

    await eventually(() => aws.scheduler.due(lateMs).length > 0);
    const wokenAtMs = now();
    expect(await worker.tick({ timeLeftMs: INVOCATION_MS })).toMatchObject({ completed: 1, ended: "idle" });
    expect(ran).toHaveLength(1);

    const task = await tasks.get(made?.id ?? 0);
    const startedAtMs = Date.parse(task.started_at ?? "");
    expect(startedAtMs).toBeGreaterThanOrEqual(dueAtMs);
    // A second of a busy machine is many here; EventBridge alone would be up to a minute late.
    expect(startedAtMs - dueAtMs).toBeLessThan(30 * SECOND_MS);
    expect(INVOCATION_MS - (startedAtMs - wokenAtMs)).toBeGreaterThan(LONGEST_HANDLER_MS);
    // It was this tick that slept: nobody had to ring once more.
    expect(aws.requests).toHaveLength(1);
    await close();
  });
});
