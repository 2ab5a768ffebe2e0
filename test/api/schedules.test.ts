import { describe, expect, test } from "vitest";
import type { Schedule, Task } from "#core";
import { apiBed, type ErrorBody } from "../support/bed/api.ts";

const bed = apiBed();
const url = { url: "https://example.com" };
const put = (body: unknown, name = "nightly") =>
  bed.call<Schedule>("PUT", `/schedules/${encodeURIComponent(name)}`, body);

test("a schedule is made, shown, listed, run and deleted", async () => {
  const made = await put({ cron: "0 3 * * *", time_zone: "Europe/Berlin", type: "note" }, "a/b ü");
  expect(made).toMatchObject({ status: 200, body: { name: "a/b ü", catch_up: "last", overlap: "allow" } });
  expect(made.body.next_times).toHaveLength(5);
  expect((await bed.call<Schedule>("GET", "/schedules/a%2Fb%20%C3%BC")).body).toEqual(made.body);
  await put({ every_seconds: 60, type: "note" }, "z");
  type List = { schedules: Schedule[]; next_cursor: string | null };
  const first = (await bed.call<List>("GET", "/schedules?limit=1")).body;
  expect(first.schedules.map(({ name }) => name)).toEqual(["a/b ü"]);
  const second = (await bed.call<List>("GET", `/schedules?limit=1&cursor=${first.next_cursor}`)).body;
  expect(second).toMatchObject({ schedules: [{ name: "z" }], next_cursor: null });
  const named = async (name: string) =>
    (await bed.call<List>("GET", `/schedules?name=${encodeURIComponent(name)}`)).body;
  expect(await named("a/b ü")).toEqual({ schedules: first.schedules, next_cursor: null });
  expect(await named("a/b")).toEqual({ schedules: [], next_cursor: null });
  const ran = await bed.call<Task>("POST", "/schedules/z/run");
  expect(ran).toMatchObject({ status: 201, body: { schedule: "z", task_status: "Not started" } });
  expect((await bed.call("DELETE", "/schedules/z")).status).toBe(204);
  expect((await bed.call("GET", "/schedules/z")).status).toBe(404);
  expect((await bed.call("GET", `/tasks/${ran.body.id}`)).status).toBe(404);
});

test("its next times are told before it is made", async () => {
  const times = (query: string) => bed.call<{ next_times: string[] }>("GET", `/schedule-times?${query}`);
  const { body } = await times("cron=0 3 1 1 *&time_zone=Asia/Tokyo");
  expect(body.next_times).toHaveLength(5);
  expect(body.next_times.every((time) => time.endsWith("-12-31T18:00:00.000Z"))).toBe(true);
  expect((await times("every_seconds=3600")).body.next_times[4]).toMatch(/:00:00.000Z$/);
  for (const [query, message] of [
    ["cron=often", /^cron must be five fields such as .*, got "often"$/],
    ["cron=* * * * *&time_zone=Mars", /^time_zone must be .*, got "Mars"/],
    ["every_seconds=0", /^every_seconds must be a whole number from 1 to/],
    ["", /^cron is missing: give cron or every_seconds/],
    ["type=note&every_seconds=60", /^type is not known here; cron, every_seconds and time_zone can be given/],
  ] as const)
    expect(await times(query), query).toMatchObject({
      status: 422,
      body: { error: { message: expect.stringMatching(message) } },
    });
});

describe("is refused with the field and what would be right, and nothing is kept", () => {
  test.each([
    ["never fires", { cron: "0 0 30 2 *", type: "note" }, "cron", /at least once/],
    ["is over", { cron: "0 0 0 1 1 * 2020", type: "note" }, "cron", /at least once/],
    ["is no cron expression", { cron: "61 * * * *", type: "note" }, "cron", /five fields/],
    ["is a date", { cron: "2030-01-01T00:00:00", type: "note" }, "cron", /five fields/],
    [
      "has no zone of this world",
      { cron: "0 3 * * *", time_zone: "Mars/X", type: "note" },
      "time_zone",
      /Berlin/,
    ],
    ["has no type", { cron: "0 3 * * *" }, "type", /missing/],
    ["has no times", { type: "note" }, "cron", /cron or every_seconds/],
    [
      "has two kinds of times",
      { cron: "0 3 * * *", every_seconds: 5, type: "note" },
      "every_seconds",
      /beside cron/,
    ],
    ["comes every 0 seconds", { every_seconds: 0, type: "note" }, "every_seconds", /from 1 to/],
    [
      "has wrong data",
      { every_seconds: 5, type: "http_request", task_data: { url: 7 } },
      "task_data.url",
      /./,
    ],
    [
      "overlaps somehow",
      { every_seconds: 5, type: "note", overlap: "maybe" },
      "overlap",
      /"allow", "skip", "queue"/,
    ],
    ["has a field of its own", { every_seconds: 5, type: "note", timezone: "UTC" }, "timezone", /time_zone/],
    ["is paused by a word", { paused: "yes" }, "paused", /true or false/],
  ])("one that %s", async (_, body, path, message) => {
    const { status, body: answer } = (await put(body)) as unknown as { status: number; body: ErrorBody };
    expect(status).toBe(422);
    expect(answer.error.issues).toEqual([{ path, message: expect.stringMatching(message) }]);
    expect((await bed.call("GET", "/schedules/nightly")).status).toBe(404);
  });

  test("one of a type that nobody runs", async () => {
    const answer = await put({ every_seconds: 5, type: "nobody", task_data: url });
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "unknown_type" } } });
  });

  test("one with a name that is too long", async () => {
    const answer = await put({ every_seconds: 5, type: "note" }, "x".repeat(256));
    expect(answer).toMatchObject({ status: 422, body: { error: { issues: [{ path: "name" }] } } });
  });

  test("pausing one that is not there", async () => {
    expect((await put({ paused: true })).status).toBe(404);
  });
});
