import { expect, test } from "vitest";
import { LOOK_AGAIN_MS } from "../../../packages/core/limits.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { keyOf } from "../../support/bed/look.ts";
import { noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

describeOnStacks("a change is announced", (bed) => {
  const { definition } = noting();
  const make = () => bed.make({ doorbell: noteRings(), definitions: [definition] });

  test("to the cache at once: created, moved into the window and out of it, deleted, retried", async () => {
    const { tasks, operator, worker } = make();
    await worker.refresh();
    const listed = async () =>
      (await operator.getNotStartedTasks()).map(({ id, task_data }) => [id, task_data]);
    await tasks.create([
      { type: "note", scheduled_time: inHours(1), task_data: 1 },
      { type: "note", scheduled_time: inHours(9), task_data: 2 },
    ]);
    expect(await listed()).toEqual([[1, 1]]);
    await tasks.update(2, { scheduled_time: inHours(2) });
    await tasks.update(1, { task_data: { changed: true } });
    expect(await listed()).toEqual([
      [1, { changed: true }],
      [2, 2],
    ]);
    await tasks.update(1, { scheduled_time: inHours(7) });
    await tasks.remove(2);
    expect(await listed()).toEqual([]);
    await tasks.cancel(1);
    await tasks.retry(1);
    expect((await listed())[0]?.[0]).toBe(1);
  });

  test("when the table was written without Tickwork: by the next refresh, or at once with notifyChanged", async () => {
    const bell = noteRings();
    const { operator, worker } = bed.make({ doorbell: bell, definitions: [definition] });
    await worker.refresh();
    await bed.sql(
      `insert into "baasix_Tasks" (type, scheduled_time) values ('note', now() + interval '1 minute'), ('note', now() + interval '1 minute')`,
    );
    expect(await operator.getNotStartedTasks()).toEqual([]);
    await operator.notifyChanged([1]);
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    expect(bell.rings.at(-1)?.inMs).toBeGreaterThan(50_000);
    await worker.refresh();
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1, 2]);
    await bed.sql(`delete from "baasix_Tasks" where id = 1`);
    await operator.notifyChanged([1]);
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([2]);
  });

  test("before its row is committed: it is looked for again, and nothing hides it", async () => {
    const bell = noteRings();
    const { ran, definition: note } = noting();
    const { operator, worker } = bed.make({ doorbell: bell, definitions: [note] });
    await worker.refresh();
    const listed = async () => (await operator.getNotStartedTasks()).map(({ id }) => id);
    // What a hook tells that is fired inside the transaction.
    await operator.notifyChanged([1]);
    expect(await listed()).toEqual([]);
    const lookAgain = { afterMs: LOOK_AGAIN_MS, event: { askPostgres: true } };
    expect(bell.rings.at(-1)).toEqual(lookAgain);
    await bed.sql(`insert into "baasix_Tasks" (type, scheduled_time) values ('note', now())`);
    await operator.notifyChanged([1]);
    expect(await listed()).toEqual([1]);
    await bed.sql(`update "baasix_Tasks" set scheduled_time = now() + interval '1 hour'`);
    await operator.notifyChanged([1]);
    // Told again, with nothing new: what it is about may not be committed.
    const before = bell.rings.length;
    await operator.notifyChanged([1]);
    expect(bell.rings.slice(before)).toContainEqual(lookAgain);
    await bed.sql(`update "baasix_Tasks" set scheduled_time = now()`);
    expect(await worker.tick({ askPostgres: true })).toMatchObject({ completed: 1 });
    expect(ran).toHaveLength(1);
  });

  test("as deleted: it leaves the list at once; made again, it is there", async () => {
    const { operator, worker } = make();
    const insert = `insert into "baasix_Tasks" (id, type, scheduled_time) values (7, 'note', now() + interval '1 minute')`;
    await bed.sql(insert);
    await worker.refresh();
    await bed.sql(`delete from "baasix_Tasks"`);
    await operator.notifyChanged([7, 8]);
    expect(await operator.getNotStartedTasks()).toEqual([]);
    await bed.sql(insert.replace("7", "8"));
    await operator.notifyChanged([8]);
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([8]);
  });

  test("that ends what another program runs: it is rung, for what is due may have waited", async () => {
    const bell = noteRings();
    const { tasks } = bed.make({ doorbell: bell, definitions: [definition] });
    await tasks.create([{ type: "note" }]);
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
    bell.rings.length = 0;
    expect(await tasks.cancel(1)).toMatchObject({ task_status: "Error" });
    expect(bell.rings).toEqual([{ now: {} }]);
  });

  test("once more when its request is repeated under its key: whoever made it may have died before that", async () => {
    const bell = noteRings();
    const { tasks, operator, worker } = bed.make({ doorbell: bell, definitions: [definition] });
    await worker.refresh();
    const create = () => tasks.create([{ type: "note" }], { idempotencyKey: "k" });
    await create();
    await bed.redis("ZREM", keyOf(bed, "waiting"), 1);
    await bed.redis("DEL", keyOf(bed, "rev"));
    bell.rings.length = 0;
    expect(await operator.getNotStartedTasks()).toEqual([]);
    expect(await create()).toMatchObject([{ id: 1 }]);
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    expect(bell.rings).toEqual([{ now: {} }]);
  });

  test("to the hooks, in order; one that throws breaks nothing", async () => {
    const { tasks, hooks } = make();
    const told: unknown[] = [];
    hooks.registerHook("baasix_Tasks", "items.create.after", () => {
      throw new Error("a bad hook");
    });
    hooks.registerHook("baasix_Tasks", "items.create.after", ({ data }) => ({ ...data, seen: 1 }));
    for (const event of ["items.create.after", "items.update.after", "items.delete.after"] as const)
      hooks.registerHook(
        "baasix_Tasks",
        event,
        ({ data, collection }) => void told.push([event, collection, data.id, data.seen]),
      );
    await tasks.create([{ type: "note", scheduled_time: inHours(1) }]);
    await tasks.update(1, { task_data: 1 });
    await tasks.remove(1);
    expect(told).toEqual([
      ["items.create.after", "baasix_Tasks", 1, 1],
      ["items.update.after", "baasix_Tasks", 1, undefined],
      ["items.delete.after", "baasix_Tasks", 1, undefined],
    ]);
  });

  test("with Redis down, to the doorbell alone; when Redis is back, the cache is rebuilt", async () => {
    const { ran, definition: note } = noting();
    const { tasks, operator, worker } = bed.make({ definitions: [note] });
    await worker.refresh();
    bed.faults.redis = () => {
      throw new Error("connect ECONNREFUSED");
    };
    await tasks.create([{ type: "note" }, { type: "note" }, { type: "note", scheduled_time: inHours(1) }]);
    await eventually(async () => ran.length === 2 && !(await operator.isTaskRunning()));
    delete bed.faults.redis;
    await eventually(async () => {
      await worker.refresh().catch(() => {});
      return (await operator.getCacheStats()).cachedTasksCount === 1;
    });
  });
});
