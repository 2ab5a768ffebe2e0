/** What becomes of tasks when functions run out of time, die or are stopped, or when a database is away. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Task } from "#core";
import { eventually } from "../support/eventually.ts";
import { logOf } from "../support/lambda/log-lines.ts";
import type { Stage } from "../support/lambda/stage.ts";
import { storesAreOn } from "../support/lambda/stores.ts";
import { useStages } from "../support/lambda/use-stages.ts";
import { silence } from "../support/lambda/web-server.ts";

const SECOND_MS = 1_000;
/** The flag's life in these tests, and the least that it may be. */
const TTL = { TASK_RUNNING_TTL: "2" };
const TTL_MS = 2 * SECOND_MS;
/** Longer than the flag's life, as Lambda's pauses are. */
const RETRIES = { retryDelaysMs: [2_500, 2_500] };
/** Everything here is over long before, on a machine with time to spare. */
const LIMIT = { limitMs: 40 * SECOND_MS };

/** A task that calls the web server of the stage. */
const postCall = async (stage: Stage): Promise<Task> => {
  const [task] = await stage.post([{ type: "http_request", task_data: { url: stage.web.url } }]);
  if (!task) throw new Error("no task was made");
  return task;
};
const completed = (stage: Stage, { id }: Task) =>
  eventually(async () => {
    const task = await stage.task(id);
    return task.task_status === "Completed" && task;
  }, LIMIT);
/** The sandbox of tick that runs; there is one. */
const running = ({ tick }: Stage) => {
  const [sandbox] = tick.busy();
  if (!sandbox) throw new Error("no tick runs");
  return sandbox;
};

describe(`on ${storesAreOn}`, () => {
  const open = useStages();
  const openOwn = useStages(join(import.meta.dirname, "../support/lambda/own-tasks.ts"));

  /** The longest first: they wait, and the others run meanwhile. */
  describe.concurrent("a task is not lost when", { timeout: 60 * SECOND_MS }, () => {
    test("another one kills whoever runs it, again and again: that one ends, and this one is run", async () => {
      const env = { ...TTL, TASK_MAX_CRASHES: "1" };
      const stage = await openOwn({ env, tick: { retryDelaysMs: [2_500] } });
      const [deadly, harmless] = await stage.post([{ type: "deadly" }, { type: "harmless" }]);
      // Each of the two tries costs a process.
      await eventually(() => stage.tick.deadLetters.length > 0, LIMIT);
      await stage.refresh.invoke({});
      await completed(stage, harmless as Task);
      expect(await stage.task(deadly?.id ?? 0)).toMatchObject({
        task_status: "Error",
        crashes: 2,
        error_data: { name: "CrashedError", message: "its worker died 2 times while it ran" },
      });
    });

    test("a handler ignores its signal: that costs the process, and another one goes on", async () => {
      const stage = await openOwn({ env: TTL, tick: RETRIES });
      const [task] = await stage.post([{ type: "deaf", max_attempts: 2 }]);
      const done = await completed(stage, task as Task);
      expect(done).toMatchObject({ attempts: 2, crashes: 1, result_data: { attempt: 2 } });
      expect(stage.tick.attempts[0]).toMatchObject({
        ok: false,
        error: { errorType: "Runtime.ExitError", errorMessage: expect.stringContaining("exit status 1") },
      });
      expect(logOf(stage.tick)).toContainEqual(
        expect.objectContaining({ level: "error", message: "the process gives up" }),
      );
    });

    test("its process is killed and never tried again: who meets the flag has EventBridge wake somebody", async () => {
      const stage = await open({ env: { TASK_RUNNING_TTL: "5" }, tick: { retryDelaysMs: [] } });
      // Two are warm, so that the second is there while the flag of the first lives.
      await Promise.all([stage.tick.invoke({}), stage.tick.invoke({})]);
      stage.web.answer = (_, nth) => (nth === 1 ? silence() : { status: 200 });
      const task = await postCall(stage);
      await eventually(() => stage.web.hits[0], LIMIT);
      const killedAtMs = Date.now();
      await running(stage).kill();
      // Somebody makes another task, which rings.
      const other = await postCall(stage);
      await Promise.all([completed(stage, task), completed(stage, other)]);
      expect(Date.now() - killedAtMs).toBeLessThan(65 * SECOND_MS);
      const schedules = stage.aws.requests.filter(({ operation }) => operation === "CreateSchedule");
      expect(schedules[0]?.name).toMatch(/^look-\d{14}-held$/);
      expect(stage.refresh.attempts).toEqual([]);
    });

    test("the function's time is up: it is told to stop, and is given back before the function is killed", async () => {
      const timeoutMs = 6 * SECOND_MS;
      const stage = await open({ tick: { timeoutMs } });
      stage.web.answer = (_, nth) => (nth === 1 ? silence() : { status: 200 });
      const task = await postCall(stage);
      const hit = await eventually(() => stage.web.hits[0], LIMIT);
      await eventually(() => hit.gone.aborted, LIMIT);
      const done = await completed(stage, task);
      expect(done).toMatchObject({ attempts: 2 });
      // It used up the whole time of a function, and that counts as a crash.
      expect(done).toMatchObject({ crashes: 1 });
      const [first] = stage.tick.attempts;
      expect(first).toMatchObject({ ok: true, payload: { givenBack: 1, ended: "stopped" } });
      expect(first?.durationMs).toBeLessThan(timeoutMs);
      expect(logOf(stage.tick)).toContainEqual(
        expect.objectContaining({ level: "warn", message: "task given back", task: task.id, attempt: 1 }),
      );
    });

    test("its process is killed: Lambda's next try recovers it, and no refresh is needed", async () => {
      const stage = await open({ env: TTL, tick: RETRIES });
      stage.web.answer = (_, nth) => (nth === 1 ? silence() : { status: 200 });
      const task = await postCall(stage);
      await eventually(() => stage.web.hits[0], LIMIT);
      const killedAtMs = Date.now();
      await running(stage).kill();
      const done = await completed(stage, task);
      expect(done).toMatchObject({
        attempts: 2,
        crashes: 1,
        history: [{ outcome: "crashed", code: "crashed" }],
      });
      expect(Date.now() - killedAtMs).toBeLessThan(TTL_MS + 60 * SECOND_MS);
      expect(stage.refresh.attempts).toEqual([]);
      expect(stage.tick.attempts[0]).toMatchObject({ ok: false, error: { errorType: "Runtime.ExitError" } });
    });

    test("Postgres is away when its tick comes: the tick says so, and another looks again, but not Lambda as well", async () => {
      const stage = await open({ env: TTL, tick: RETRIES });
      const events: unknown[] = [];
      stage.deliver = (event) => events.push(event);
      const task = await postCall(stage);
      stage.deliver = (event) => stage.tick.invokeAsync(event);
      stage.neon.down = true;
      for (const event of events) stage.deliver(event);
      await eventually(() => stage.tick.attempts[0], LIMIT);
      stage.neon.down = false;
      await completed(stage, task);
      const [first] = stage.tick.attempts;
      expect(first).toMatchObject({ ok: true, nth: 1, payload: { completed: 0, ended: "failed" } });
      const [, second] = await eventually(() => stage.tick.attempts.length > 1 && stage.tick.attempts, LIMIT);
      expect(second).toMatchObject({ ok: true, nth: 1, payload: { completed: 1 } });
      const schedules = stage.aws.requests.filter(({ operation }) => operation === "CreateSchedule");
      expect(schedules.map(({ name }) => name)).toEqual([expect.stringMatching(/^look-\d{14}-failed$/)]);
      expect(logOf(stage.tick)).toContainEqual(
        expect.objectContaining({ level: "error", message: "a tick failed", requestId: first?.requestId }),
      );
      expect(stage.tick.deadLetters).toEqual([]);
    });

    test("SIGTERM comes while it runs: it is given back within the moment that Lambda leaves", async () => {
      // That moment is two seconds, so nothing of it can be spent on waiting for the handler's own end.
      const stage = await open({ env: { TASK_SHUTDOWN_WAIT_TIME: "0" }, tick: { extension: true } });
      stage.web.answer = (_, nth) => (nth === 1 ? silence() : { status: 200 });
      const task = await postCall(stage);
      await eventually(() => stage.web.hits[0], LIMIT);
      await running(stage).shutDown();
      const done = await completed(stage, task);
      // Nobody died of it, nobody had to wait for the end of the lease, and it is no failure of the task.
      expect(stage.web.hits).toHaveLength(2);
      expect(done).toMatchObject({ attempts: 2, crashes: 0, excused: 1 });
      expect(stage.tick.attempts[0]).toMatchObject({ ok: true, payload: { givenBack: 1, ended: "stopped" } });
    });

    test("AWS cannot be rung: the task is made all the same, and the next refresh rings", async () => {
      const stage = await open({});
      stage.aws.faults.of = () => "drop";
      const task = await postCall(stage);
      expect(logOf(stage.api)).toContainEqual(
        expect.objectContaining({
          level: "error",
          message: expect.stringContaining("doorbell"),
        }),
      );
      delete stage.aws.faults.of;
      expect(await stage.refresh.invoke({})).toMatchObject({ ok: true, payload: { due: 1 } });
      await completed(stage, task);
    });

    test("Postgres takes two seconds for every answer: the task runs once", async () => {
      const stage = await open({});
      stage.neon.delayMs = 2_000;
      const done = await completed(stage, await postCall(stage));
      expect(done).toMatchObject({ attempts: 1, crashes: 0 });
      expect(stage.web.hits).toHaveLength(1);
    });

    test.each<[string, Partial<Stage["upstash"]>]>([
      ["is away", { down: true }],
      ["takes five seconds for every answer", { delayMs: 5_000 }],
      ["answers with errors", { error: "ERR max daily request limit exceeded. Limit: 10000" }],
    ])("Redis %s: Postgres alone does it, and the log says so", async (_, fault) => {
      const stage = await open({});
      Object.assign(stage.upstash, fault);
      const began = Date.now();
      const task = await postCall(stage);
      // One time limit of Redis, and not one for every request to it.
      expect(Date.now() - began).toBeLessThan(6 * SECOND_MS);
      expect(stage.aws.invocations).toMatchObject([{ event: { askPostgres: true } }]);
      await completed(stage, task);
      expect(logOf(stage.tick)).toContainEqual(
        expect.objectContaining({
          level: "warn",
          message: "Redis does not answer; Postgres stands in for it",
        }),
      );
    });
  });
});
