/** What becomes of the occurrences of schedules, in a deployment under a clock that the test moves. */
import { afterEach, describe, expect, test } from "vitest";
import { type Definitions, defineSchedule, defineTask, type ScheduleChanges } from "#core";
import { createTestTickwork, type TestTickwork } from "#testing";

const START = "2026-11-24T09:00:30Z";
let opened: TestTickwork | undefined;
afterEach(() => opened?.close());

/** Handlers that note when they began, and take as many seconds as their data says. */
async function story({ slots = 1, now = START, env = {} } = {}) {
  const began: string[] = [];
  const note = defineTask({
    type: "note",
    run: async (data) => {
      began.push(new Date(tickwork.clock.now()).toISOString().slice(11, 19));
      await tickwork.clock.sleep(Number((data as { seconds?: number } | null)?.seconds ?? 0) * 1000);
    },
  });
  const tickwork = await createTestTickwork({
    definitions: [note] as Definitions,
    now,
    config: { concurrency: slots, ...env },
  });
  opened = tickwork;
  const put = (changes: ScheduleChanges, name = "one") =>
    tickwork.schedules.put(name, "paused" in changes ? changes : { type: "note", ...changes });
  const skipped = async () =>
    (await tickwork.enqueued()).flatMap(
      ({ result_data }) => (result_data as { skipped?: string } | null)?.skipped ?? [],
    );
  return { tickwork, began, put, skipped };
}

test("runs at its times, for days, though nobody makes more than a few at a time", async () => {
  const { tickwork, began, put } = await story();
  await put({ cron: "0 */6 * * *" });
  await tickwork.advance("3 days");
  expect(began).toEqual(
    Array.from({ length: 3 }, () => ["12:00:00", "18:00:00", "00:00:00", "06:00:00"]).flat(),
  );
});

test("every second, none is missed and none comes twice", async () => {
  const { tickwork, began, put } = await story();
  await put({ every_seconds: 1 });
  await tickwork.advance("4 minutes");
  expect(began).toHaveLength(240);
  expect(new Set(began).size).toBe(240);
  const waiting = await tickwork.tasks.list({ status: "Not started", limit: 1_000 });
  expect(waiting.length).toBeLessThanOrEqual(100);
});

test("what is due soon is there at once, and what replaces it too", async () => {
  const { tickwork, began, put } = await story();
  await put({ cron: "* * * * *", task_data: { old: true } });
  await put({ cron: "*/2 * * * *", task_data: { old: false } });
  await tickwork.advance("5 minutes");
  expect(began).toEqual(["09:02:00", "09:04:00"]);
  await put({ paused: true });
  expect(await tickwork.tasks.list({ status: "Not started", limit: 10 })).toEqual([]);
  await tickwork.advance("10 minutes");
  await put({ paused: false });
  await tickwork.advance("2 minutes");
  expect(began).toEqual(["09:02:00", "09:04:00", "09:16:00"]);
  await tickwork.schedules.remove("one");
  await tickwork.advance("1 hour");
  expect(began).toHaveLength(3);
});

test("is run by hand, also while it is paused", async () => {
  const { tickwork, began, put } = await story();
  await put({ cron: "0 0 1 1 *" });
  await put({ paused: true });
  const task = await tickwork.schedules.run("one");
  expect(task).toMatchObject({ schedule: "one", type: "note" });
  await tickwork.runDue();
  expect(began).toEqual(["09:00:30"]);
  expect(await tickwork.schedules.get("one")).toMatchObject({
    next_times: [],
    last: { task: task.id, task_status: "Completed" },
  });
});

describe("one that comes while the one before has not ended", () => {
  const long = { every_seconds: 60, task_data: { seconds: 150 } };

  test("runs beside it", async () => {
    const { tickwork, began, put } = await story({ slots: 3 });
    await put({ ...long, overlap: "allow" });
    await tickwork.advance("4 minutes");
    expect(began).toEqual(["09:01:00", "09:02:00", "09:03:00", "09:04:00"]);
  });

  test.each([1, 3])("is skipped, with %i slots", async (slots) => {
    const { tickwork, began, put, skipped } = await story({ slots });
    await put({ ...long, overlap: "skip" });
    await tickwork.advance("7 minutes");
    // From 09:01:00 to 09:03:30, and from 09:04:00 to 09:06:30.
    expect(began).toEqual(["09:01:00", "09:04:00", "09:07:00"]);
    expect(await skipped()).toEqual(["overlap", "overlap", "overlap", "overlap"]);
  });

  test.each([1, 3])("waits for it, with %i slots", async (slots) => {
    const { tickwork, began, put, skipped } = await story({ slots });
    await put({ ...long, overlap: "queue" });
    await tickwork.advance("9 minutes");
    expect(began).toEqual(["09:01:00", "09:03:30", "09:06:00", "09:08:30"]);
    expect(await skipped()).toEqual([]);
    // That one waits its turn is nothing to be warned of.
    expect(tickwork.logged.filter(({ level }) => level !== "info" && level !== "debug")).toEqual([]);
  });

  test("a long queue is not busy: the first one looks, the others are woken", async () => {
    const { tickwork, began, put } = await story({ slots: 3 });
    await put({ every_seconds: 10, task_data: { seconds: 600 }, overlap: "queue" });
    await tickwork.advance("22 minutes");
    expect(began).toEqual(["09:00:40", "09:10:40", "09:20:40"]);
    const looks = tickwork.logged.filter(({ message }) => message === "task given back before it began");
    // Each of the 130 as its time comes, and those that wait for a quarter of an hour once more.
    expect(looks.length).toBeGreaterThan(120);
    expect(looks.length).toBeLessThan(220);
  });
});

describe("after hours in which nothing ran", () => {
  /** Every hour; then nothing ran for 9 hours and 20 minutes, more than a window. */
  async function outage(catch_up: "none" | "last" | "all") {
    const story_ = await story({ now: "2026-11-24T09:20:30Z" });
    const { tickwork, put } = story_;
    await put({ cron: "0 * * * *", catch_up });
    await tickwork.database.query({
      // As if all had been nine hours and twenty minutes earlier.
      text: `with moved as (update tickwork_schedules set next_time = next_time - interval '9 hours')
        update "baasix_Tasks" set scheduled_time = scheduled_time - interval '9 hours 20 minutes',
          schedule_time = schedule_time - interval '9 hours'`,
      params: [],
    });
    await tickwork.worker.refresh();
    await tickwork.runDue();
    return {
      ...story_,
      ran: (await tickwork.enqueued()).filter(({ task_status }) => task_status === "Completed"),
    };
  }

  test.each([
    ["none", 0],
    ["last", 1],
    ["all", 9],
  ] as const)("%s of them: %i", async (catch_up, n) => {
    const { ran } = await outage(catch_up);
    expect(ran.filter(({ result_data }) => result_data === null)).toHaveLength(n);
  });
});

describe("declared in code", () => {
  const note = defineTask({ type: "note", run: async () => {} });
  const hourly = defineSchedule({ name: "hourly", cron: "0 * * * *", type: note });

  test("it is there from the start, and HTTP may only pause it", async () => {
    const tickwork = await createTestTickwork({ definitions: [note], schedules: [hourly], now: START });
    opened = tickwork as unknown as TestTickwork;
    expect(await tickwork.schedules.get("hourly")).toMatchObject({ source: "code", overlap: "allow" });
    expect((await tickwork.advance("3 hours")).ran).toHaveLength(3);
    const refused = { code: "schedule_in_code", kind: "conflict" };
    await expect(tickwork.schedules.put("hourly", { every_seconds: 9, type: "note" })).rejects.toMatchObject(
      refused,
    );
    await expect(tickwork.schedules.remove("hourly")).rejects.toMatchObject(refused);
    await tickwork.schedules.put("hourly", { paused: true });
    expect((await tickwork.advance("3 hours")).ran).toEqual([]);
  });
});
