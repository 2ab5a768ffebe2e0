/** What is paused does not start, costs nothing while it waits, and starts when it is resumed. */
import { describe, expect, test } from "vitest";
import { defineTask } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { inMs, keyOf, membersOf, statuses } from "../../support/bed/look.ts";
import { connectBeside } from "../../support/bed/second-connection.ts";
import { failing, gated, noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

describeOnStacks("pauses", (bed) => {
  const make = (options: Parameters<typeof bed.make>[0] = {}) => {
    const [mail, note, slow] = [noting("mail"), noting("note"), gated("slow")];
    const bell = noteRings();
    const definitions = [mail.definition, note.definition, slow.definition, failing];
    return { mail, note, slow, bell, ...bed.make({ doorbell: bell, definitions, ...options }) };
  };

  test.each([{ withoutRedis: false }, { withoutRedis: true }])(
    "a type that is paused waits while others run, and starts when it is resumed: %o",
    async (options) => {
      const { tasks, operator, worker, mail, note, bell } = make(options);
      await tasks.create([{ type: "mail" }, { type: "note" }]);
      const pause = await operator.pause({ type: "mail" }, { reason: "the server moves", userId: "ada" });
      expect(pause).toEqual({
        type: "mail",
        reason: "the server moves",
        created_at: expect.any(String),
        created_by: "ada",
      });
      expect(await worker.tick()).toMatchObject({ completed: 1, ended: "idle" });
      expect([mail.ran, note.ran.map(({ id }) => id)]).toEqual([[], [2]]);
      expect((await tasks.get(1)).paused).toEqual([pause]);
      expect(await tasks.get(2)).not.toHaveProperty("paused");
      expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
      expect((await operator.getCacheStats()).paused).toEqual([pause]);
      bell.rings.length = 0;
      expect(await operator.resume({ type: "mail" })).toBe(true);
      expect(bell.rings).toContainEqual({ now: { by: "refresh" } });
      expect(await worker.tick()).toMatchObject({ completed: 1, ended: "idle" });
      expect(mail.ran).toHaveLength(1);
      expect(await operator.getCacheStats()).not.toHaveProperty("paused");
      expect(await operator.resume({ type: "mail" })).toBe(false);
    },
  );

  test.each([{ all: true } as const, { type: "mail" }])(
    "no tick asks Postgres while %o is paused, however much is due",
    async (target) => {
      const { tasks, operator, worker } = make();
      await operator.pause(target);
      await tasks.create(Array.from({ length: 20 }, () => ({ type: "mail" })));
      // One claim finds out, for those who create do not ask.
      expect(await worker.tick()).toMatchObject({ completed: 0, ended: "idle" });
      bed.counts.reset();
      for (let n = 0; n < 5; n++) expect(await worker.tick()).toMatchObject({ ended: "idle" });
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 5 });
    },
  );

  test("what runs goes on, and what fails meanwhile waits", async () => {
    const { tasks, operator, worker, slow } = make();
    await tasks.create([{ type: "slow" }, { type: "slow" }]);
    const ticking = worker.tick();
    await eventually(() => slow.starts.length === 1);
    await operator.pause({ all: true });
    slow.starts[0]?.finish();
    // It claims nothing in the statement that settles.
    expect(await ticking).toMatchObject({ completed: 1 });
    expect(await statuses(bed)).toEqual(["Completed", "Not started"]);
    await operator.resume({ all: true });
    const rest = worker.tick();
    await eventually(() => slow.starts.length === 2);
    slow.starts[1]?.finish();
    await rest;
  });

  test("a task whose worker died waits like the others", async () => {
    const { tasks, operator, worker, mail } = make();
    await tasks.create([{ type: "mail" }]);
    await bed.sql(
      `update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'x', attempts = 1, lease_expires_at = now() - interval '1 second'`,
    );
    await operator.pause({ type: "mail" });
    expect(await worker.tick()).toMatchObject({ completed: 0 });
    expect(await tasks.get(1)).toMatchObject({ task_status: "Not started", crashes: 1, attempts: 1 });
    await operator.resume({ type: "mail" });
    await worker.tick();
    expect(mail.ran).toEqual([{ id: 1, attempt: 2, data: null }]);
  });

  test("a batch leases none of a type that is paused", async () => {
    const ran: number[] = [];
    const many = defineTask({
      type: "many",
      batch: true,
      run: async (_, { task }) => void ran.push(task.id),
    });
    const { tasks, operator, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [many, noting("mail").definition],
    });
    await operator.pause({ type: "mail" });
    await tasks.create([{ type: "many" }, { type: "mail" }, { type: "many" }, { type: "many" }]);
    await worker.tick();
    expect(ran).toEqual([1, 3, 4]);
    await tasks.create([{ type: "many" }, { type: "many" }]);
    await operator.pause({ type: "many" });
    await worker.tick();
    expect(ran).toEqual([1, 3, 4]);
  });

  test("pauses are independent of each other", async () => {
    const { tasks, operator, worker, mail } = make();
    await tasks.create([{ type: "mail" }]);
    await operator.pause({ type: "mail" });
    await operator.pause({ all: true }, { reason: "a migration" });
    await operator.pause({ all: true }, { reason: "a long migration" });
    expect((await operator.listPauses()).map(({ reason }) => reason)).toEqual([null, "a long migration"]);
    expect((await tasks.get(1)).paused).toHaveLength(2);
    await operator.resume({ all: true });
    await worker.tick();
    expect(mail.ran).toHaveLength(0);
    await operator.resume({ type: "mail" });
    await worker.tick();
    expect(mail.ran).toHaveLength(1);
  });

  test.skipIf(bed.kind === "embedded")(
    "a queue that is resumed beside a claim that saw its pause starts",
    async () => {
      const { tasks, operator, worker, note } = make();
      await operator.pause({ queue: "mail" });
      await tasks.create([{ type: "note", queue: "mail" }]);
      const beside = await connectBeside(bed);
      try {
        await beside.query("begin");
        await beside.query("select tickwork_claim_laned(now(), 0, 1, 'token', 60000, 3, array['note'])");
        let isDone = false;
        const resuming = operator.resume({ queue: "mail" }).finally(() => {
          isDone = true;
        });
        await eventually(
          async () =>
            isDone ||
            (
              await beside.query(
                "select from pg_locks where not granted and relation = 'tickwork_pauses'::regclass",
              )
            ).rowCount === 1,
        );
        await beside.query("commit");
        expect(await resuming).toBe(true);
      } finally {
        await beside.end();
      }
      await worker.refresh();
      await worker.tick();
      expect(note.ran).toHaveLength(1);
    },
  );

  describe("who resumes and dies", () => {
    test("has armed a ring before, which asks Postgres", async () => {
      const { tasks, operator, bell } = make();
      await tasks.create([{ type: "mail" }]);
      await operator.pause({ all: true });
      bell.rings.length = 0;
      bed.faults.postgres = (text) => {
        if (text.includes("delete from tickwork_pauses")) throw new Error("it dies");
      };
      await expect(operator.resume({ all: true })).rejects.toThrow();
      delete bed.faults.postgres;
      expect(bell.rings[0]).toMatchObject({ event: { askPostgres: true } });
    });

    test("does not make a cache that is out of date trusted", async () => {
      const { tasks, operator, worker } = make({ env: { TASK_MAX_UNSEEN_TIME: "3600" } });
      await operator.pause({ type: "mail" });
      expect(await worker.refresh()).toMatchObject({ readPostgres: false });
      await tasks.create([{ type: "mail" }]);
      await worker.tick();
      expect(await membersOf(bed, "foreign")).toEqual(["1"]);
      await bed.sql("delete from tickwork_pauses");
      // Without asking Postgres it would be forgotten for an hour.
      expect(await worker.refresh()).toMatchObject({ readPostgres: true, due: 1 });
      expect(await bed.redis("ZCARD", keyOf(bed, "foreign"))).toBe(0);
      expect(await worker.refresh()).toMatchObject({ readPostgres: false });
    });
  });

  test("what is due later is paused, too, and moved tasks stay so", async () => {
    const { tasks, operator, worker, mail } = make();
    await tasks.create([{ type: "mail", scheduled_time: inMs(60_000) }]);
    await operator.pause({ type: "mail" });
    expect(await membersOf(bed, "foreign")).toEqual(["1"]);
    await tasks.update(1, { scheduled_time: inMs(-1_000) });
    await worker.tick();
    expect(mail.ran).toEqual([]);
  });

  test.each([
    [{}, "must name one of all, type, queue, concurrency_key, got none"],
    [{ all: true, type: "mail" }, "got all and type"],
    [{ all: false }, "all must be true, got false"],
    [{ type: "" }, "type must be a string of 1 to 255 characters"],
    [{ type: "q".repeat(10_240) }, "type must be a string of 1 to 255 characters"],
    [{ type: "mial" }, 'type must be one of mail, note, slow, failing, got "mial"'],
  ])("refuses to pause %o", async (target, message) => {
    const { operator } = make();
    await expect(operator.pause(target as never)).rejects.toThrow(message);
    expect(await operator.listPauses()).toEqual([]);
  });
});
