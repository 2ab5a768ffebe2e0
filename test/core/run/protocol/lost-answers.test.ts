/** What was done although its answer did not come, or came late. */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { defineTask, systemClock } from "#core";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { leaseEndMs, statuses } from "../../../support/bed/look.ts";
import { isClaim, isInsertOnce, isRenewal, isSettle } from "../../../support/bed/statements.ts";
import { failing, gated, noting } from "../../../support/bed/tasks.ts";
import { eventually } from "../../../support/eventually.ts";

describeOnStacks("lost and late answers", (bed) => {
  let answer = () => {};
  afterEach(() => answer());

  describe("rule 10: a lost answer is read back", () => {
    const loseOnce = (isLost: (sql: string) => boolean) => {
      let lost = 0;
      bed.faults.postgresAnswer = (query) => {
        if (lost > 0 || !isLost(query)) return;
        lost++;
        throw new Error("socket hang up");
      };
      return () => lost;
    };

    test("of a claim: the task runs once", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }]);
      const lost = loseOnce(isClaim);
      expect(await worker.tick()).toMatchObject({ completed: 1 });
      expect([lost(), ran.length]).toEqual([1, 1]);
      expect(await tasks.get(1)).toMatchObject({ attempts: 1, crashes: 0 });
    });

    test("of a settle: it is written once, and the next task that it claimed runs", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }, { type: "note" }]);
      const lost = loseOnce(isSettle);
      expect(await worker.tick()).toMatchObject({ completed: 2, lost: 0 });
      expect([lost(), ran.map(({ id, attempt }) => [id, attempt])]).toEqual([
        1,
        [
          [1, 1],
          [2, 1],
        ],
      ]);
    });

    test("of a settle that did not take effect: it is written again", async () => {
      const { definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition, failing] });
      await tasks.create([{ type: "note" }, { type: "failing", task_data: { how: "tomorrow" } }]);
      let refused = 0;
      bed.faults.postgres = (query) => {
        if (!isSettle(query) || refused++ % 2 === 1) return;
        throw new Error("connection refused");
      };
      expect(await worker.tick()).toMatchObject({ completed: 1, retried: 1 });
      expect(await statuses(bed)).toEqual(["Completed", "Not started"]);
    });

    test("of a new task: the caller sees an error, and its idempotency key creates it once", async () => {
      const { definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      loseOnce(isInsertOnce);
      await expect(tasks.create([{ type: "note" }], { idempotencyKey: "k" })).rejects.toMatchObject({
        kind: "unavailable",
      });
      expect(await tasks.create([{ type: "note" }], { idempotencyKey: "k" })).toMatchObject([{ id: 1 }]);
      expect(await statuses(bed)).toEqual(["Not started"]);
      // The first call died before it could tell the cache and ring; the repetition does.
      expect(await worker.tick()).toMatchObject({ completed: 1 });
    });
  });

  describe("an answer that is late", () => {
    const delay = (isLate: (sql: string) => boolean, until: () => Promise<unknown>) => {
      let delayed = false;
      bed.faults.postgresAnswer = async (query) => {
        if (delayed || !isLate(query)) return;
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
      delay(isClaim, async () => {
        first = await leaseEndMs(bed, 1);
        await eventually(() => Date.now() > first - 900);
      });
      const ticking = worker.tick();
      const { context, finish } = await eventually(() => starts[0]);
      await eventually(async () => (await leaseEndMs(bed, 1)) > first && Date.now() > first + 200);
      expect(context.signal.aborted).toBe(false);
      finish();
      expect(await ticking).toMatchObject({ completed: 1, lost: 0 });
    });

    test("of a claim, until the process has to stop: the handler does not start, and the task is given back", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }]);
      let stopping: Promise<void> | undefined;
      delay(isClaim, async () => {
        stopping = worker.shutdown();
        await systemClock.sleep(50);
      });
      expect(await worker.tick()).toMatchObject({ givenBack: 1, completed: 0 });
      await stopping;
      expect(ran).toEqual([]);
      expect(await tasks.get(1)).toMatchObject({ task_status: "Not started", attempts: 0, crashes: 0 });
    });

    test("of a claim that takes effect after it was given up: the next tick of the process gives it back and runs it", async () => {
      const { ran, definition } = noting();
      const tokens: string[] = [];
      const { tasks, worker } = bed.make({
        doorbell: noteRings(),
        definitions: [definition],
        newToken: () => tokens[tokens.push(randomUUID()) - 1] as string,
      });
      await tasks.create([{ type: "note" }]);
      bed.faults.postgres = (query) => {
        if (isClaim(query)) throw new Error("socket hang up");
      };
      expect(await worker.tick()).toMatchObject({ ended: "failed" });
      delete bed.faults.postgres;
      // The flag's token came first. What was held up on its way arrives now.
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = '${tokens[1]}', attempts = 1,
        started_at = now(), lease_expires_at = now() + interval '1 minute', rev = rev + 1`);
      expect(await worker.tick()).toMatchObject({ givenBack: 1, completed: 1 });
      expect(ran).toEqual([{ id: 1, attempt: 1, data: null }]);
      expect(await tasks.get(1)).toMatchObject({ attempts: 1, crashes: 0 });
    });

    test("of a claim, until its lease is over: the handler does not start, and the task is run later", async () => {
      const { ran, definition } = noting();
      const env = { TASK_RUNNING_TTL: "2" };
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], env });
      await tasks.create([{ type: "note" }]);
      delay(isClaim, () => eventually(async () => (await leaseEndMs(bed, 1)) < Date.now()));
      expect(await worker.tick()).toMatchObject({ givenBack: 1, completed: 1 });
      expect(ran).toHaveLength(1);
    });

    test("of a progress report, until the task has ended: the flag is not taken again", async () => {
      const hasty = defineTask({ type: "hasty", run: async (_, { progress }) => void progress(0.5) });
      const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [hasty] });
      await tasks.create([{ type: "hasty" }]);
      let late = false;
      const ended = new Promise<void>((resolve) => {
        answer = resolve;
      });
      delay(isRenewal, async () => {
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
});
