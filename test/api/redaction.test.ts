/** What callers are told of a task depends on their key. */
import { beforeEach, describe, expect, test } from "vitest";
import type { MadeApiKey, NewTask, Scope, Task } from "#core";
import { apiBed, type ErrorBody, KEY } from "../support/bed/api.ts";

const api = apiBed();
const DATA = {
  url: "https://example.com",
  headers: { Authorization: "Bearer s3cret", accept: "text/plain" },
};
const REDACTED = { ...DATA, headers: { ...DATA.headers, Authorization: "[redacted]" } };
const TASK: NewTask = { type: "note", task_data: DATA };

describe("a key without admin", () => {
  let headers: Record<string, string>;
  const keyFor = async (...scopes: Scope[]) => {
    const { body } = await api.call<MadeApiKey>("POST", "/keys", { name: "shop", scopes });
    return { authorization: `Bearer ${body.key}` };
  };
  beforeEach(async () => {
    headers = await keyFor("read", "write");
  });
  const failed = async () => {
    const { body } = await api.post("/tasks", TASK);
    const error = {
      message: "it broke",
      name: "Error",
      attempts: 1,
      stack: "Error: it broke\n at secrets.ts:7",
    };
    await api.bed.sql(
      `update "baasix_Tasks" set task_status = 'Error', error_data = $1, result_data = $2 where id = $3`,
      [
        JSON.stringify(error),
        JSON.stringify({ "set-cookie": ["a=s3cret"], token: "for everybody" }),
        String(body.id),
      ],
    );
    return body.id;
  };

  test("sees neither secrets nor stacks, wherever a task is answered", async () => {
    const id = await failed();
    const answers = [
      await api.call<unknown>("GET", `/tasks/${id}`, undefined, headers),
      await api.call<unknown>("GET", "/tasks", undefined, headers),
      await api.call<unknown>("POST", `/tasks/${id}/retry`, undefined, headers),
      await api.call<unknown>("PATCH", `/tasks/${id}`, { max_attempts: 2 }, headers),
      await api.call<unknown>("GET", "/tasks/not-started", undefined, headers),
      await api.call<unknown>("POST", `/tasks/${id}/cancel`, undefined, headers),
      await api.call<unknown>("POST", "/tasks", TASK, headers),
      await api.call<unknown>("POST", "/tasks", [TASK, TASK], headers),
    ];
    for (const { status, body } of answers) {
      expect(status).toBeLessThan(300);
      expect(JSON.stringify(body)).toContain('"Authorization":"[redacted]","accept":"text/plain"');
      expect(JSON.stringify(body)).not.toMatch(/s3cret|secrets\.ts/);
    }
    expect(answers[0]?.body).toMatchObject({
      error_data: { message: "it broke" },
      result_data: { "set-cookie": ["[redacted]"], token: "for everybody" },
    });
    expect((await api.get<Task>(`/tasks/${id}`)).body.task_data).toEqual(DATA);
  });

  test("cannot put back the mark in place of a secret", async () => {
    const { body: task } = await api.post("/tasks", TASK);
    const sent = await api.call<ErrorBody>("PATCH", `/tasks/${task.id}`, { task_data: REDACTED }, headers);
    expect(sent).toMatchObject({
      status: 422,
      body: { error: { code: "invalid_request", issues: [{ path: "task_data.headers.Authorization" }] } },
    });
    expect((await api.get<Task>(`/tasks/${task.id}`)).body.task_data).toEqual(DATA);
    for (const body of [null, [], 7, { task_data: null }])
      expect((await api.call("PATCH", `/tasks/${task.id}`, body, headers)).status).toBeLessThan(500);
  });

  test("admin sees all of it, and a session of admin the stacks", async () => {
    const id = await failed();
    const { body } = await api.get<Task>(`/tasks/${id}`);
    expect(body).toMatchObject({
      task_data: DATA,
      error_data: { stack: expect.stringContaining("secrets.ts") },
    });
    const signedIn = await api.call("POST", "/session", { key: KEY }, {});
    const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const response = await api.app.request(`/tasks/${id}`, { headers: { cookie } });
    expect(await response.json()).toMatchObject({
      task_data: REDACTED,
      error_data: { stack: expect.stringContaining("secrets.ts") },
    });
  });
});

describe("what is encrypted", () => {
  const SEALED: NewTask = { type: "sealed", task_data: { name: "s3cret" } };
  const keyFor = async (...scopes: Scope[]) => {
    const { body } = await api.call<MadeApiKey>("POST", "/keys", { name: "shop", scopes });
    return { authorization: `Bearer ${body.key}` };
  };

  test("is shown to keys for write or admin; others, and every screen, see a mark", async () => {
    const { body: task } = await api.post("/tasks", SEALED);
    expect(task).toMatchObject({ ...SEALED, encrypted: ["task_data"] });
    await api.put("/schedules/nightly", { every_seconds: 3_600, ...SEALED });
    const signedIn = await api.call("POST", "/session", { key: KEY }, {});
    const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const see = async (headers: Record<string, string>) => {
      const paths = [`/tasks/${task.id}`, "/tasks", "/tasks/not-started", "/schedules", "/schedules/nightly"];
      const answers = await Promise.all(paths.map((path) => api.app.request(path, { headers })));
      return Promise.all(answers.map((answer) => answer.text()));
    };
    for (const headers of [await keyFor("read", "write"), await keyFor("admin", "read")])
      for (const text of await see(headers)) expect(text).toContain("s3cret");
    for (const headers of [await keyFor("read"), { cookie }])
      for (const text of await see(headers)) {
        expect(text).toContain('"task_data":"[encrypted]"');
        expect(text).not.toMatch(/s3cret|tickwork:encrypted/);
      }
    expect(await api.call("POST", "/tasks", SEALED, await keyFor("write"))).toMatchObject({ body: SEALED });
    expect(await api.patch(`/tasks/${task.id}`, { task_data: "[encrypted]" })).toMatchObject({
      status: 422,
      body: { error: { issues: [{ path: "task_data" }] } },
    });
  });

  test("are the messages of errors, too; names and codes are for everybody", async () => {
    const { body: task } = await api.post("/tasks", SEALED);
    const sealed = (
      await api.bed.sql<{ data: string }>(`select task_data #>> '{}' as data from "baasix_Tasks"`)
    )[0]?.data;
    const failed = { name: "Error", code: "broken", attempts: 2, stack: sealed, message: sealed };
    const history = [{ attempt: 1, started_at: null, ended_at: "x", outcome: "failed", message: sealed }];
    await api.bed.sql(`update "baasix_Tasks" set task_status = 'Error', error_data = $1, history = $2`, [
      JSON.stringify({ ...failed, history }),
      JSON.stringify(history),
    ]);
    const { body } = await api.call<Task>("GET", `/tasks/${task.id}`, undefined, await keyFor("read"));
    const { stack: _, ...told } = failed;
    const record = { ...history[0], message: "[encrypted]" };
    expect(body.error_data).toEqual({ ...told, message: "[encrypted]", history: [record] });
    expect(body.history).toEqual([record]);
    expect(body.encrypted).toEqual(["task_data", "error_data", "history"]);
  });
});
