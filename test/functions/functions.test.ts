/** The functions that are deployed, each called as AWS calls it. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Task } from "#core";
import { BODY_LIMIT_BYTES, MIGRATION_MARGIN_MS } from "../../packages/core/limits.ts";
import { SCHEMA_VERSION } from "../../packages/core/store/schema/migrations.ts";
import { FUNCTIONS, type FunctionName } from "../../scripts/bundle.ts";
import { eventually } from "../support/eventually.ts";
import { gatewayEvent, httpAnswer } from "../support/lambda/gateway-event.ts";
import { logOf, metricsOf } from "../support/lambda/log-lines.ts";
import type { Stage } from "../support/lambda/stage.ts";
import { storesAreOn } from "../support/lambda/stores.ts";
import { useStages } from "../support/lambda/use-stages.ts";
import { makeBaasixTable } from "../support/store/baasix-table.ts";

describe(`on ${storesAreOn}`, () => {
  const open = useStages();
  let stage: Stage;
  beforeAll(async () => {
    stage = await open({ migrated: false });
  });

  /** In this order: nothing works before the schema is there. */
  describe("a cold start of", () => {
    test("migrate makes the schema: each step once, however many do it", async () => {
      const racing = await Promise.all([stage.migrate.invoke({}), stage.migrate.invoke({})]);
      expect(new Set(racing.map(({ pid }) => pid)).size).toBe(2);
      const steps = racing.flatMap((done) =>
        done.ok ? (done.payload as { applied: string[] }).applied : [],
      );
      expect(steps.length).toBeGreaterThan(0);
      expect(new Set(steps).size).toBe(steps.length);
      expect(await stage.migrate.invoke({})).toMatchObject({ ok: true, payload: { applied: [] } });
    });

    test.each<[FunctionName, unknown, unknown]>([
      ["refresh", {}, { waiting: 0, due: 0, oldestDueAgeSeconds: 0, running: 0, cut: false }],
      ["tick", {}, { completed: 0, ended: "idle" }],
      ["api", gatewayEvent({ method: "GET", path: "/health/tasks" }), { statusCode: 200 }],
    ])("%s", async (name, event, payload) => {
      const done = await stage[name].invoke(event);
      expect(done).toMatchObject({ ok: true, payload });
      expect(done.initMs).toBeGreaterThan(0);
      // Called once more, it is there already.
      const again = await stage[name].invoke(event);
      expect(again).toMatchObject({ ok: true, pid: done.pid });
      expect(again.initMs).toBeUndefined();
    });
  });

  describe("tick", () => {
    test("costs one request to Redis and none to Postgres when nothing is due", async () => {
      const before = {
        neon: stage.neon.requests,
        upstash: stage.upstash.requests,
        aws: stage.aws.requests.length,
      };
      expect(await stage.tick.invoke({})).toMatchObject({ ok: true, payload: { ended: "idle" } });
      expect(stage.neon.requests - before.neon).toBe(0);
      expect(stage.upstash.requests - before.upstash).toBe(1);
      expect(stage.aws.requests.length - before.aws).toBe(0);
    });
  });

  describe("api", () => {
    const inTenMinutes = () => new Date(Date.now() + 600_000).toISOString();

    test("makes a task, rings, and shows what has become of it", async () => {
      const task = { type: "http_request", task_data: { url: `${stage.web.url}/hello` } };
      const made = await stage.call<Task>("POST", "/tasks", task);
      expect(made).toMatchObject({ status: 201, body: { task_status: "Not started", type: "http_request" } });
      await eventually(async () => (await stage.task(made.body.id)).task_status === "Completed");
      const { body: done } = await stage.call<Task>("GET", `/tasks/${made.body.id}`);
      expect(done).toMatchObject({ result_data: { status: 200, body: { ok: true } }, attempts: 1 });
      expect(stage.web.hits.map(({ path }) => path)).toEqual(["/hello"]);
    });

    test("reads the query, and an encoded body", async () => {
      const list = await stage.call("GET", "/tasks?status=Completed&type=http_request&limit=5");
      expect(list).toMatchObject({ status: 200, body: { tasks: [{ type: "http_request" }] } });
      const headers = { authorization: "Bearer the-key-of-the-test" };
      const body = {
        type: "http_request",
        task_data: { url: "https://ö.example/" },
        scheduled_time: inTenMinutes(),
      };
      const plain = gatewayEvent({ method: "POST", path: "/tasks", headers, body });
      const done = await stage.api.invoke({
        ...plain,
        body: Buffer.from(plain.body ?? "").toString("base64"),
        isBase64Encoded: true,
      });
      expect(done.ok && httpAnswer(done.payload)).toMatchObject({
        status: 201,
        body: { task_data: { url: "https://ö.example/" } },
      });
    });

    test("answers in its own way what it does not do", async () => {
      const stranger = await stage.api.invoke(gatewayEvent({ method: "GET", path: "/tasks" }));
      expect(stranger.ok && httpAnswer(stranger.payload)).toMatchObject({ status: 401 });
      expect(await stage.call("GET", "/tasks/999999")).toMatchObject({ status: 404 });
      expect(await stage.call("POST", "/tasks", { type: "unheard-of" })).toMatchObject({ status: 422 });
    });

    test("a body that is above Lambda's limit once it is quoted reaches no function", async () => {
      const tasks = Array.from({ length: 20 }, () => ({
        type: "http_request",
        task_data: {
          url: "https://example.com/",
          method: "POST",
          body: Array.from({ length: 70_000 }, () => ""),
        },
      }));
      expect(Buffer.byteLength(JSON.stringify(tasks))).toBeLessThan(BODY_LIMIT_BYTES);
      const before = stage.api.attempts.length;
      await expect(stage.call("POST", "/tasks", tasks)).rejects.toMatchObject({ status: 413 });
      expect(stage.api.attempts).toHaveLength(before);
    });

    test("five hundred tasks of one minute are one schedule, and EventBridge takes it", async () => {
      const before = stage.aws.requests.length;
      const minute = Math.ceil(Date.now() / 60_000 + 15) * 60_000;
      const tasks = Array.from({ length: 500 }, (_, n) => ({
        type: "http_request",
        task_data: { url: "https://example.com/" },
        scheduled_time: new Date(minute + n * 100).toISOString(),
      }));
      expect(await stage.call("POST", "/tasks", tasks)).toMatchObject({ status: 201 });
      expect(stage.aws.requests.slice(before)).toMatchObject([{ operation: "CreateSchedule", answer: "ok" }]);
    });
  });

  describe("refresh", () => {
    test("rings for what comes near, and measures what waits", async () => {
      const { waiting } = await successOf<{ waiting: number }>(stage.refresh.invoke({}));
      expect(waiting).toBeGreaterThan(500);
      expect(metricsOf(stage.refresh).at(-1)).toMatchObject({
        Namespace: "Tickwork",
        QueueDepth: 0,
        OldestDueAgeSeconds: 0,
        RunningTasks: 0,
        RefreshMilliseconds: expect.any(Number),
      });
    });
  });

  describe("migrate", () => {
    test("adopts a table that Baasix made, and says how far it is", async () => {
      const own = await open({ migrated: false });
      await makeBaasixTable(own, { rows: 500, running: 10 });
      const { applied } = await successOf<{ applied: string[] }>(own.migrate.invoke({}));
      expect(applied).toHaveLength(SCHEMA_VERSION);
      const said = logOf(own.migrate).map(({ message, index, rows }) => [message, index ?? rows]);
      expect(said).toEqual(
        expect.arrayContaining([
          ["building an index", "tickwork_plain"],
          ["building an index", "tickwork_running"],
          ["building an index", "tickwork_by_status"],
          ["rows updated", 50],
        ]),
      );
    });

    test("stops in time, and fails the deployment with what to do", async () => {
      const own = await open({ migrated: false, migrate: { timeoutMs: MIGRATION_MARGIN_MS - 1 } });
      expect(await own.migrate.invoke({})).toMatchObject({
        ok: false,
        error: {
          errorType: "TickworkError",
          errorMessage: expect.stringMatching(
            /^The time is up before migration 1 of \d+ .*run the deployment again\.$/,
          ),
        },
      });
    });
  });

  test("what is logged is JSON, nothing but that is written, and nothing for who debugs", () => {
    for (const name of FUNCTIONS)
      expect(logOf(stage[name]).filter(({ level }) => level === "debug")).toEqual([]);
    expect(logOf(stage.tick)).toContainEqual(
      expect.objectContaining({
        level: "info",
        message: "task completed",
        service: "tickwork-test",
        function: "tickwork-test-tick",
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        task: expect.any(Number),
        type: "http_request",
        attempt: 1,
        durationMs: expect.any(Number),
        latenessMs: expect.any(Number),
      }),
    );
  });
});

async function successOf<Payload>(invocation: ReturnType<Stage["tick"]["invoke"]>): Promise<Payload> {
  const done = await invocation;
  if (!done.ok) throw new Error(done.error.errorMessage);
  return done.payload as Payload;
}
