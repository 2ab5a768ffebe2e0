/** What a user sees when Redis, Postgres, the doorbell or a clock misbehaves: every task runs, and once. */
import { afterEach, describe, expect, test } from "vitest";
import { type Clock, defineTask, foreignTask, systemClock } from "#core";
import { RENEW } from "../../../packages/core/gate/scripts/flag.ts";
import { REDIS_PAUSE_MS } from "../../../packages/core/limits.ts";
import { eventually } from "../../support/bed/bed.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { gated, noting } from "../../support/bed/tasks.ts";

const MINUTE_MS = 60_000;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const isRenewal = ([, script]: readonly string[]) => script === RENEW.lua;

describeOnStacks("faults", (bed) => {
  let answer = () => {};
  afterEach(() => answer());

  const key = (name: string) => `{${bed.prefix}}:${name}`;
  const lease = async () => {
    const [row] = await bed.sql<{ until: string }>(
      `select extract(epoch from lease_expires_at) * 1000 as until from "baasix_Tasks" where id = 1`,
    );
    return Number(row?.until);
  };
  const allCompleted = async () =>
    (await bed.sql(`select from "baasix_Tasks" where task_status <> 'Completed'`)).length === 0;

  describe("Redis", () => {
    /** From now on, renewals of the flag are not answered until `answer` is called. */
    let hung = 0;
    const hang = () => {
      hung = 0;
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      bed.faults.redis = (request) => {
        if (!isRenewal(request)) return;
        hung++;
        return answered;
      };
    };

    test("hangs for longer than a lease: the worker keeps its lease, and the result is written meanwhile", async () => {
      const { starts, definition } = gated();
      const env = { TASK_RUNNING_TTL: "3" };
      const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], env });
      await tasks.create([{ type: "gated" }]);
      const ticking = worker.tick();
      const { context, finish } = await eventually(() => starts[0]);
      const first = await lease();
      hang();
      await eventually(async () => (await lease()) > first + 3_000);
      finish();
      await eventually(allCompleted);
      answer();
      expect(hung).toBe(1);
      expect(context.signal.aborted).toBe(false);
      expect(await ticking).toMatchObject({ completed: 1, lost: 0 });
      // Nor did the late answer take the flag again.
      expect(await operator.isTaskRunning()).toBe(false);
    });

    test("hangs while short tasks run: none of them waits for it", async () => {
      const { ran, definition } = noting();
      const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create(Array.from({ length: 60 }, () => ({ type: "note" })));
      hang();
      const ticking = worker.tick();
      await eventually(allCompleted);
      expect([ran.length, hung]).toEqual([60, 1]);
      answer();
      expect(await ticking).toMatchObject({ completed: 60, ended: "idle" });
      expect(await operator.isTaskRunning()).toBe(false);
    });

    test("begins to answer with errors in the middle of a tick: Postgres alone goes on", async () => {
      const { starts, definition } = gated();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "gated" }, { type: "gated" }]);
      const ticking = worker.tick();
      const { finish } = await eventually(() => starts[0]);
      bed.faults.redis = () => {
        throw new Error("ERR max daily request limit exceeded");
      };
      finish();
      (await eventually(() => starts[1])).finish();
      expect(await ticking).toMatchObject({ completed: 2, ended: "idle" });
      expect(await allCompleted()).toBe(true);
    });

    test("is out of reach while a task is made: who made it looks for it in Postgres until the cache is rebuilt", async () => {
      const { ran, definition } = noting();
      let aheadMs = 0;
      const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs };
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], clock });
      await worker.refresh();
      bed.faults.redis = () => {
        throw new Error("connection refused");
      };
      await tasks.create([{ type: "note" }]);
      delete bed.faults.redis;
      aheadMs = REDIS_PAUSE_MS;
      expect(await worker.tick()).toMatchObject({ completed: 1 });
      expect(ran).toHaveLength(1);
    });

    test.each(["waiting", "running", "rev", "task", "gone", "state", "foreign", "flag:0"])(
      "evicts the key %s: what is due runs once, and after a refresh the list is whole",
      async (name) => {
        const { starts, definition } = gated();
        const definitions = [definition, foreignTask({ type: "of others" })];
        const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions });
        await worker.refresh();
        await tasks.create([
          { type: "gated" },
          { type: "gated" },
          { type: "gated", scheduled_time: inMs(60 * MINUTE_MS), task_data: { some: "data" } },
        ]);
        await tasks.create([
          { type: "gated", scheduled_time: inMs(60 * MINUTE_MS) },
          { type: "of others", scheduled_time: inMs(90 * MINUTE_MS) },
        ]);
        await tasks.remove(4);
        const ticking = worker.tick();
        (await eventually(() => starts[0])).finish();
        await eventually(() => starts[1]);
        await worker.refresh();
        expect(await bed.redis("DEL", key(name))).toBe(1);
        starts[1]?.finish();
        await ticking;
        await worker.tick();
        expect(starts.map(({ context }) => context.task.id)).toEqual([1, 2]);
        await worker.refresh();
        expect(await operator.getNotStartedTasks()).toMatchObject([
          { id: 3, task_data: { some: "data" } },
          { id: 5 },
        ]);
        expect(await operator.isTaskRunning()).toBe(false);
      },
    );

    test("evicts the key of who sleeps until a task is due: another one sleeps too, and the task runs once", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({
        doorbell: noteRings({ earlyMs: MINUTE_MS }),
        definitions: [definition],
      });
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(700) }]);
      const first = worker.tick();
      await eventually(async () => (await bed.redis("DEL", key("sleeper"))) === 1);
      const ends = await Promise.all([first, worker.tick()]);
      expect(ends.reduce((sum, { completed }) => sum + completed, 0)).toBe(1);
      expect(ran).toHaveLength(1);
    });
  });

  describe("Postgres", () => {
    /** Each kind of statement fails so often before it succeeds. */
    const fail = (times: number, error: () => unknown) => {
      const met = new Map<string, number>();
      bed.faults.postgres = (query) => {
        const before = met.get(query) ?? 0;
        met.set(query, before + 1);
        if (before < times) throw error();
      };
      return met;
    };
    const withState = (code: string, message: string) => () => Object.assign(new Error(message), { code });

    test.each([
      ["a serialization failure", withState("40001", "could not serialize access due to concurrent update")],
      ["a deadlock", withState("40P01", "deadlock detected")],
      ["too many connections", withState("53300", "sorry, too many clients already")],
      ["a closed connection", withState("57P01", "terminating connection due to administrator command")],
      ["a statement that took too long", withState("57014", "canceling statement due to statement timeout")],
      ["a broken pipe", withState("EPIPE", "write EPIPE")],
      ["a refused connection", () => new Error("connect ECONNREFUSED 127.0.0.1:5432")],
    ])("%s, twice for every statement of a tick: each task runs once", async (_, error) => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create(Array.from({ length: 3 }, () => ({ type: "note" })));
      const met = fail(2, error);
      expect(await worker.tick()).toMatchObject({ completed: 3, lost: 0, ended: "idle" });
      delete bed.faults.postgres;
      expect(met.size).toBeGreaterThanOrEqual(2);
      expect(ran.map(({ id, attempt }) => [id, attempt])).toEqual([
        [1, 1],
        [2, 1],
        [3, 1],
      ]);
      expect(await allCompleted()).toBe(true);
    });

    test("an error that is none of these is not tried again: nothing is known to be safe about it", async () => {
      const { tasks } = bed.make({ doorbell: noteRings(), definitions: [noting().definition] });
      const met = fail(9, withState("42501", "permission denied for table baasix_Tasks"));
      await expect(tasks.create([{ type: "note" }])).rejects.toThrow("permission denied");
      expect([...met.values()]).toEqual([1]);
    });

    test("answers a claim when its lease is over: the handler does not start, and the task is run later", async () => {
      const { ran, definition } = noting();
      const env = { TASK_RUNNING_TTL: "2" };
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], env });
      await tasks.create([{ type: "note" }]);
      let slow = true;
      bed.faults.postgresAnswer = async (query) => {
        if (!/buried/.test(query) || !slow) return;
        slow = false;
        await eventually(async () => (await lease()) < Date.now());
      };
      expect(await worker.tick()).toMatchObject({ givenBack: 1, completed: 1 });
      expect(ran).toHaveLength(1);
    });
  });

  describe("an answer that is late", () => {
    const delay = (what: RegExp, until: () => Promise<unknown>) => {
      let delayed = false;
      bed.faults.postgresAnswer = async (query) => {
        if (delayed || !what.test(query)) return;
        delayed = true;
        await until();
      };
    };

    test("of a claim, by most of its lease: the lease is renewed before it ends", async () => {
      const { starts, definition } = gated();
      const env = { TASK_RUNNING_TTL: "3" };
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], env });
      await tasks.create([{ type: "gated" }]);
      let first = 0;
      delay(/buried/, async () => {
        first = await lease();
        await eventually(() => Date.now() > first - 900);
      });
      const ticking = worker.tick();
      const { context, finish } = await eventually(() => starts[0]);
      await eventually(async () => (await lease()) > first && Date.now() > first + 200);
      expect(context.signal.aborted).toBe(false);
      finish();
      expect(await ticking).toMatchObject({ completed: 1, lost: 0 });
    });

    test("of a claim, until the process is to stop: the handler does not start, and the task goes back", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }]);
      let stopping: Promise<void> | undefined;
      delay(/buried/, async () => {
        stopping = worker.shutdown();
        await systemClock.sleep(50);
      });
      expect(await worker.tick()).toMatchObject({ givenBack: 1, completed: 0 });
      await stopping;
      expect(ran).toEqual([]);
      expect(await tasks.get(1)).toMatchObject({ task_status: "Not started", attempts: 0, crashes: 0 });
    });

    test("of a progress report, until the task has ended: the flag is not taken again", async () => {
      const hasty = defineTask({ type: "hasty", run: async (_, { progress }) => void progress(0.5) });
      const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [hasty] });
      await tasks.create([{ type: "hasty" }]);
      let late = false;
      const ended = new Promise<void>((resolve) => {
        answer = resolve;
      });
      delay(/progress = coalesce\(/, async () => {
        await ended;
        late = true;
      });
      expect(await worker.tick()).toMatchObject({ completed: 1, ended: "idle" });
      answer();
      await eventually(() => late);
      // What it would do, it would do in the next turns of the loop.
      await systemClock.sleep(100);
      expect(await operator.isTaskRunning()).toBe(false);
    });
  });

  describe("the doorbell", () => {
    test("loses every ring: the next refresh rings again", async () => {
      const { ran, definition } = noting();
      const bell = noteRings();
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
      await tasks.create([{ type: "note" }, { type: "note", scheduled_time: inMs(5 * MINUTE_MS) }]);
      bell.rings.length = 0;
      await worker.refresh();
      const [now, later] = bell.rings;
      expect(now).toMatchObject({ now: {} });
      expect(later?.inMs).toBeGreaterThan(4 * MINUTE_MS);
      await worker.tick(now?.now);
      expect(ran.map(({ id }) => id)).toEqual([1]);
    });

    test("rings five times at once, early: the task runs once and in time", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({
        doorbell: noteRings({ earlyMs: MINUTE_MS }),
        definitions: [definition],
      });
      await worker.refresh();
      const due = Date.now() + 700;
      await tasks.create([{ type: "note", scheduled_time: new Date(due) }]);
      const ends = await Promise.all(Array.from({ length: 5 }, () => worker.tick()));
      expect(ends.reduce((sum, { completed }) => sum + completed, 0)).toBe(1);
      expect(ran).toHaveLength(1);
      expect(Date.parse((await tasks.get(1)).started_at ?? "")).toBeGreaterThanOrEqual(due);
    });

    test("rings a minute late: the task runs, and says why it was late", async () => {
      const { definition } = noting();
      const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await worker.refresh();
      await tasks.create([{ type: "note", scheduled_time: inMs(MINUTE_MS) }]);
      // As if the minute were over, and another one.
      await bed.sql(
        `update "baasix_Tasks" set scheduled_time = now() - interval '1 minute', "createdAt" = now() - interval '2 minutes'`,
      );
      await operator.notifyChanged([1]);
      expect(await worker.tick()).toMatchObject({ completed: 1 });
      expect(await tasks.get(1)).toMatchObject({ lateness: { reason: "wake_up" } });
    });
  });

  describe("a clock", () => {
    test.each([
      ["five minutes ahead", 5 * MINUTE_MS],
      ["five minutes behind", -5 * MINUTE_MS],
    ])("of a worker is %s: leases live, and tasks start by Postgres's time", async (_, skewMs) => {
      const clock: Clock = { ...systemClock, now: () => Date.now() + skewMs };
      const { starts, definition } = gated();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], clock });
      await tasks.create([{ type: "gated" }, { type: "gated", scheduled_time: inMs(2 * MINUTE_MS) }]);
      const ticking = worker.tick();
      const { context, finish } = await eventually(() => starts[0]);
      expect((await lease()) - Date.now()).toBeGreaterThan(50_000);
      expect(context.signal.aborted).toBe(false);
      finish();
      expect(await ticking).toMatchObject({ completed: 1, ended: "idle" });
      expect(await tasks.get(1)).toMatchObject({ task_status: "Completed", lateness: null });
      expect(await tasks.get(2)).toMatchObject({ task_status: "Not started" });
    });
  });
});
