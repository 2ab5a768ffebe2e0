import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { type ConnectOptions, connect, ResultTimeoutError } from "#connect";
import { ConfigError, defineTask, type EnqueueOptions, PermanentError, TaskFailedError } from "#core";
import { BATCH_LIMIT } from "../../packages/core/limits.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { inMs } from "../support/bed/look.ts";
import { gated } from "../support/bed/tasks.ts";
import { describeConnections } from "../support/connect/describe-connections.ts";
import { eventually } from "../support/eventually.ts";
import { noteLog } from "../support/run/noted-log.ts";

const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string(), at: v.optional(v.string()) }),
  run: async ({ name }) => ({ hello: name, at: new Date(0) }),
});
const failing = defineTask({
  type: "failing",
  backoffMs: () => 20,
  run: async (_, { attempt }) => {
    if (attempt === 1) throw new Error("not yet");
    throw new PermanentError(`no use, at attempt ${attempt}`, { code: "hopeless" });
  },
});
/** Where nobody listens. */
const NOWHERE = "postgres://app:secret@127.0.0.1:1/app";

describeConnections("a connection", (bed) => {
  const start = async () => {
    const server = await bed.startServer([greet, failing]);
    return { server, tickwork: bed.connect({ doorbell: server.doorbell }) };
  };
  const rows = async () => (await bed.sql(`select 1 from "baasix_Tasks"`)).length;

  test("enqueues what another process runs, and waits for its result", async () => {
    const { tickwork } = await start();
    const task = await tickwork.enqueue(greet, { name: "Ada" });
    expect(task).toMatchObject({ type: "greet", task_data: { name: "Ada" }, result_data: null });
    expect(await tickwork.result(task)).toEqual({ hello: "Ada", at: "1970-01-01T00:00:00.000Z" });
    expect(await tickwork.result<typeof greet>(task.id)).toMatchObject({ hello: "Ada" });
  });

  test("says when, how often, for whom and with which file", async () => {
    const { tickwork } = await start();
    const at = new Date(Date.now() + 3_600_000);
    const options = { at, maxAttempts: 3, attachmentId: "a-file", userId: "ada" };
    expect(await tickwork.enqueue(greet, { name: "Ada" }, options)).toMatchObject({
      scheduled_time: at.toISOString(),
      max_attempts: 3,
      attachment_id: "a-file",
      userCreated_Id: "ada",
    });
  });

  test("has a task started when it is due", async () => {
    const { tickwork } = await start();
    // No refresh comes that could find it.
    await tickwork.result(await tickwork.enqueue(greet, { name: "Ada" }, { at: inMs(300) }));
    const [row] = await bed.sql(`select started_at >= scheduled_time as due from "baasix_Tasks"`);
    expect(row).toEqual({ due: "t" });
  });

  test("enqueues many, all or none", async () => {
    const { tickwork } = await start();
    const names = Array.from({ length: BATCH_LIMIT }, (_, n) => `name ${n}`);
    const at = inMs(3_600_000);
    const tasks = await tickwork.enqueueMany(
      greet,
      names.map((name) => ({ data: { name }, at })),
    );
    expect(tasks.map(({ task_data }) => task_data.name)).toEqual(names);
    const refused = [
      tickwork.enqueueMany(
        greet,
        [...names, "one more"].map((name) => ({ data: { name } })),
      ),
      tickwork.enqueueMany(greet, [{ data: { name: "Ada" } }, { data: { name: 7 as never } }]),
    ];
    await expect(refused[0]).rejects.toMatchObject({ code: "too_many_tasks" });
    await expect(refused[1]).rejects.toMatchObject({ issues: [{ path: "[1].task_data.name" }] });
    expect(await tickwork.enqueueMany(greet, [])).toEqual([]);
    expect(await rows()).toBe(BATCH_LIMIT);
  });

  test("enqueues a task once for an idempotency key, whichever process repeats the call", async () => {
    const { server } = await start();
    const connections = [1, 2, 3].map(() => bed.connect({ doorbell: server.doorbell }));
    const made = await Promise.all(
      connections.map((one) => one.enqueue(greet, { name: "Ada" }, { idempotencyKey: "ada" })),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(await rows()).toBe(1);
    await expect(
      connections[0]?.enqueue(greet, { name: "Alan" }, { idempotencyKey: "ada" }),
    ).rejects.toMatchObject({ code: "idempotency_key_reused" });
  });

  test("accepts a type that it has no definition of, and it waits for a process that has one", async () => {
    const { server, tickwork } = await start();
    const named = await tickwork.enqueue<typeof greet>("greet", { name: "Alan" });
    expect((await tickwork.result(named)).hello).toBe("Alan");
    const { starts, definition } = gated("unheard-of");
    const early = await tickwork.enqueue("unheard-of", { any: "thing" }, { at: inMs(-3_600_000) });
    const [late] = await tickwork.tasks.create([{ type: "unheard-of" }]);
    // The server that does not know the type has looked at it.
    await server.worker.refresh();
    await server.stop();
    expect((await tickwork.tasks.get(early.id)).task_status).toBe("Not started");
    await bed.startServer([definition]);
    for (const task of [early, late]) {
      const { context, finish } = await eventually(() => starts.shift());
      expect(context.task.id).toBe(task?.id);
      finish(["done"]);
    }
    expect(await tickwork.result(early)).toEqual(["done"]);
  });

  test("finds, changes, cancels, retries, lists and deletes tasks", async () => {
    const { tickwork } = await start();
    const { id } = await tickwork.enqueue(greet, { name: "Ada" }, { at: inMs(3_600_000) });
    const { tasks } = tickwork;
    expect(await tasks.update(id, { task_data: { name: "Alan" } })).toMatchObject({ id });
    expect(await tasks.cancel(id)).toMatchObject({ task_status: "Error" });
    expect(await tasks.retry(id)).toMatchObject({ task_status: "Not started" });
    expect(await tickwork.result(id)).toMatchObject({ hello: "Alan" });
    expect(await tasks.list({ type: "greet", limit: 9 })).toMatchObject([{ id, task_status: "Completed" }]);
    await tasks.remove(id);
    await expect(tasks.get(id)).rejects.toMatchObject({ code: "task_not_found" });
    await expect(tickwork.result(id)).rejects.toMatchObject({ code: "task_not_found" });
  });

  test("says of a task that failed why, once no attempt is left", async () => {
    const { tickwork } = await start();
    const task = await tickwork.enqueue(failing, undefined, { maxAttempts: 3 });
    const failure = await tickwork.result(task).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TaskFailedError);
    expect(failure).toMatchObject({
      message: `Task ${task.id} (failing) ended in Error: no use, at attempt 2`,
      code: "hopeless",
      errorData: { name: "PermanentError", attempts: 2, history: [{ message: "not yet" }] },
      task: { id: task.id, task_status: "Error" },
    });
  });

  test("waits no longer than it was told, nor than it is open", async () => {
    const tickwork = bed.connect({ doorbell: noteRings() });
    const task = await tickwork.enqueue(greet, { name: "Ada" });
    const late = await tickwork.result(task, { timeoutMs: 150 }).catch((error: unknown) => error);
    expect(late).toBeInstanceOf(ResultTimeoutError);
    expect(late).toMatchObject({
      message: `Task ${task.id} (greet) did not end within 150 ms; it is "Not started"`,
      task: { id: task.id },
    });
    const giveUp = new AbortController();
    const waits = [1, 2].map((n) => tickwork.result(task, n === 1 ? { signal: giveUp.signal } : {}));
    giveUp.abort(new Error("no need any more"));
    await expect(waits[0]).rejects.toThrow("no need any more");
    await tickwork.close();
    for (const refused of [waits[1], tickwork.enqueue(greet, { name: "Ada" }), tickwork.tasks.get(1)])
      await expect(refused).rejects.toThrow("The connection is closed; connect() makes another one.");
  });

  test("has a task started at once that only Postgres knows of", async () => {
    const { server } = await start();
    const tickwork = bed.connect({ doorbell: server.doorbell, redisUrl: undefined });
    const later = await tickwork.enqueue(greet, { name: "Ada" }, { at: inMs(300) });
    await tickwork.result(await tickwork.enqueue(greet, { name: "Alan" }));
    expect(await tickwork.result(later)).toMatchObject({ hello: "Ada" });
  });

  test("enqueues while Redis is away", async () => {
    const { server, tickwork } = await start();
    bed.proxies.redis.mode = "gone";
    const task = await tickwork.enqueue(greet, { name: "Ada" });
    expect(await tickwork.result(task)).toMatchObject({ hello: "Ada" });
    bed.proxies.redis.mode = "open";
    await server.worker.refresh();
  });

  test("survives connections that break", async () => {
    const { tickwork } = await start();
    await tickwork.enqueue(greet, { name: "Ada" });
    bed.proxies.postgres.mode = "gone";
    await expect(tickwork.enqueue(greet, { name: "Ada" })).rejects.toMatchObject({
      code: "postgres_unavailable",
    });
    bed.proxies.postgres.mode = "open";
    expect(await tickwork.result(await tickwork.enqueue(greet, { name: "Alan" }))).toMatchObject({
      hello: "Alan",
    });
  });

  test("checks data by the schema before anything is sent, as the server does that has it", async () => {
    const { server } = await start();
    const connection = connect({ databaseUrl: NOWHERE });
    for (const data of [
      { nmae: "Ada" },
      { name: 7 },
      { name: "a\0b" },
      { name: "Ada", at: Number.NaN },
      null,
    ])
      for (const at of ["tomorrow", undefined]) {
        const [here, there] = await Promise.all(
          [
            connection.enqueue(greet, data as never, { at }),
            server.tasks.create([{ type: "greet", task_data: data, scheduled_time: at }]),
          ].map((made) =>
            made.then(
              () => undefined,
              ({ code, kind, message, issues }) => ({ code, kind, message, issues }),
            ),
          ),
        );
        expect(here).toMatchObject({ code: "invalid_request", kind: "invalid" });
        expect(here).toEqual(there);
      }
    const large = connection.enqueue(greet, { name: "x".repeat(300_000) });
    await expect(large).rejects.toMatchObject({ code: "task_data_too_large" });
    await connection.close();
  });
});

describe("connect", () => {
  const wrong = (options: Partial<Record<keyof ConnectOptions, unknown>>) => () =>
    connect({ databaseUrl: NOWHERE, ...options } as ConnectOptions);

  test.each<[Partial<Record<keyof ConnectOptions, unknown>>, string]>([
    [
      { databaseUrl: undefined },
      "databaseUrl must be an address that begins with postgres:// or postgresql://, got no address.",
    ],
    [
      { databaseUrl: "mysql://app:secret@host/app" },
      "databaseUrl must be an address that begins with postgres:// or postgresql://, got mysql://.",
    ],
    [
      { databaseUrl: "postgres://app:se/cret@host/app" },
      "databaseUrl must be an address like postgres://user:",
    ],
    [{ redisUrl: "localhost:6379" }, "redisUrl must be an address that begins with https:// or http:// or"],
    [{ redisUrl: "https://x.upstash.io" }, "redisToken must be the REST token of redisUrl, got nothing."],
    [{ cacheLimit: 0 }, "cacheLimit must be a whole number from 1, got 0."],
  ])("refuses %o at once, in one line without secrets", (options, message) => {
    expect(wrong(options)).toThrow(ConfigError);
    expect(wrong(options)).toThrow(message);
    expect(wrong(options)).not.toThrow(/secret/);
  });

  test("opens nothing before the first call, and may be closed without one, or twice", async () => {
    const { log, lines } = noteLog();
    const connection = connect({ databaseUrl: NOWHERE, redisUrl: "redis://127.0.0.1:1", log });
    await pause(20);
    await connection.close();
    await connection.close();
    expect(lines).toEqual([]);
  });

  test("says of a server that cannot be reached what it met, and goes on once it can", async () => {
    const connection = connect({ databaseUrl: NOWHERE });
    for (const call of [
      () => connection.enqueue(greet, { name: "Ada" }),
      () => connection.tasks.get(1),
      () => connection.result(1),
    ])
      await expect(call()).rejects.toMatchObject({
        code: "postgres_unavailable",
        message: expect.stringMatching(/ECONNREFUSED 127\.0\.0\.1:1$/),
      });
    await connection.close();
  });

  test("ends with its scope", async () => {
    let escaped: ReturnType<typeof connect>;
    {
      await using connection = connect({ databaseUrl: NOWHERE });
      escaped = connection;
    }
    await expect(escaped.tasks.get(1)).rejects.toThrow("The connection is closed");
  });

  test("refuses an option that is misspelt", async () => {
    const connection = connect({ databaseUrl: NOWHERE });
    const options = { runAt: new Date() } as EnqueueOptions;
    await expect(connection.enqueue(greet, { name: "Ada" }, options)).rejects.toThrow(
      "runAt is not an option",
    );
    await expect(connection.result(1, { timeoutMs: -1 })).rejects.toThrow(
      "timeoutMs must be milliseconds from 0 to 86400000, got -1",
    );
  });
});
