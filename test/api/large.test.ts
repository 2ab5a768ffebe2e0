/** Answers are no larger than what Lambda lets through, and what was done is said all the same. */
import { describe, expect, test } from "vitest";
import type { Task } from "#core";
import { answerEvent } from "../../packages/api/lambda.ts";
import { ANSWER_LIMIT_BYTES } from "../../packages/core/limits.ts";
import { type Answer, apiBed, KEY } from "../support/bed/api.ts";
import { gatewayEvent } from "../support/lambda/gateway-event.ts";

/** What Lambda answers at most. */
const LAMBDA_LIMIT_BYTES = 6_291_556;
const CONTENT = ["task_data", "result_data", "error_data", "history"];

const api = apiBed();
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const LATER = "2999-01-01T00:00:00Z";

/** A thousand tasks that together are as large as a body may be; every quote of them is escaped once more on the way. */
const thousand = (text: string) =>
  Array.from({ length: 1_000 }, () => ({ type: "note", scheduled_time: LATER, task_data: text }));

describe("many large tasks", () => {
  test("are created once, and answered without what they hold; so is the repetition", async () => {
    const body = thousand("'".repeat(3_650));
    const headers = { "idempotency-key": "large" };
    const first = await api.post<Task[]>("/tasks", body, headers);
    expect([first.status, first.body.length]).toEqual([201, 1_000]);
    expect(first.body[999]).toMatchObject({
      id: 1_000,
      type: "note",
      task_status: "Not started",
      omitted: CONTENT,
    });
    expect(first.body[999]).not.toHaveProperty("task_data");
    const again = await api.post<Task[]>("/tasks", body, headers);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect((await api.get<Task>("/tasks/1000")).body.task_data).toBe("'".repeat(3_650));
  });

  test("that have grown since are told to a repetition, too", async () => {
    const body = thousand("small");
    const headers = { "idempotency-key": "grown" };
    const first = await api.post<Task[]>("/tasks", body, headers);
    expect(first.body[0]).toMatchObject({ task_data: "small" });
    await api.bed.sql(`update "baasix_Tasks" set error_data = to_json(repeat('e', 100000)) where id <= 100`);
    const again = await api.post<Task[]>("/tasks", body, headers);
    expect(again.body.map(({ id }) => id)).toEqual(first.body.map(({ id }) => id));
    expect(again.body[0]).toMatchObject({ omitted: CONTENT });
  });

  test("are listed in pages that end by bytes", async () => {
    for (let n = 0; n < 2; n++)
      await api.post(
        "/tasks",
        Array.from({ length: 20 }, () => ({
          type: "note",
          scheduled_time: LATER,
          task_data: "x".repeat(200_000),
        })),
      );
    const seen: number[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const { body }: Answer<{ tasks: Task[]; next_cursor: string | null }> = await api.get(
        `/tasks?limit=50${cursor && `&cursor=${cursor}`}`,
      );
      expect(bytesOf(body)).toBeLessThan(ANSWER_LIMIT_BYTES + 1_000);
      expect(body.tasks.length).toBeGreaterThan(9);
      seen.push(...body.tasks.map(({ id }) => id));
      cursor = body.next_cursor;
    }
    expect(seen).toEqual(Array.from({ length: 40 }, (_, n) => 40 - n));
  });

  test("that wait are listed in pages, and the header says where the next one is", async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    for (let n = 0; n < 2; n++)
      await api.post(
        "/tasks",
        Array.from({ length: 20 }, () => ({
          type: "note",
          scheduled_time: soon,
          task_data: "x".repeat(200_000),
        })),
      );
    const seen: number[] = [];
    let path: string | undefined = "/tasks/not-started";
    while (path) {
      const { body, headers }: Answer<Task[]> = await api.get(path);
      expect(bytesOf(body)).toBeLessThan(ANSWER_LIMIT_BYTES + 1_000);
      seen.push(...body.map(({ id }) => id));
      path = /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
    }
    expect(seen).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
    const { body, headers } = await api.get<Task[]>("/tasks/not-started?limit=3");
    expect(body).toHaveLength(3);
    expect(headers.get("link")).toContain("limit=3");
  });

  test.each([
    ["limit=0", "limit must be a whole number from 1 to 1000"],
    ["limit=1001", "limit must be a whole number from 1 to 1000"],
    ["cursor=YmVmb3JlOjM", "cursor must be the cursor in the Link header of an earlier answer"],
    ["cursor=", "cursor must be the cursor in the Link header of an earlier answer"],
    ["page=2", "page is not known here; limit and cursor can be given"],
  ])("a page that is asked for with %s is refused", async (asked, message) => {
    const { status, body } = await api.get<{ error: { message: string } }>(`/tasks/not-started?${asked}`);
    expect([status, body.error.message]).toEqual([422, expect.stringContaining(message)]);
  });

  test("fit into what Lambda answers, when every sign of them is escaped", async () => {
    const body = thousand('"'.repeat(2_000));
    const event = gatewayEvent({
      method: "POST",
      path: "/tasks",
      headers: { authorization: `Bearer ${KEY}` },
      body,
    });
    const context = { awsRequestId: "a" } as Parameters<typeof answerEvent>[2];
    const created = await answerEvent(api.app, event, context);
    expect(created.statusCode).toBe(201);
    expect(bytesOf(created)).toBeLessThan(LAMBDA_LIMIT_BYTES);
    const list = gatewayEvent({ method: "GET", path: "/tasks", headers: { authorization: `Bearer ${KEY}` } });
    list.rawQueryString = "limit=200";
    expect(bytesOf(await answerEvent(api.app, list, context))).toBeLessThan(LAMBDA_LIMIT_BYTES);
  });
});
