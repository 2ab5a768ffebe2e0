import * as v from "valibot";
import { expect, test } from "vitest";
import { type Definitions, defineTask } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

const longAgo = () => new Date(Date.now() - 300_000).toISOString();

/** A type whose data changed twice: a name, then two, then an object. */
const ran: unknown[] = [];
const note = (version: number) => async (data: unknown) => {
  ran.push([version, data]);
};
const first = defineTask({ type: "greet", data: v.object({ name: v.string() }), run: note(1) });
const second = defineTask({
  type: "greet",
  version: 2,
  data: v.object({ first: v.string(), last: v.string() }),
  migrate: (data) => {
    const [first = "", last] = (data as { name: string }).name.split(" ");
    if (last === undefined) throw new Error("there is no last name");
    return { first, last };
  },
  run: note(2),
});
const secondAlone = defineTask({ type: "greet", version: 2, run: note(2) });

describeOnStacks("versions of a type", (bed) => {
  const deploy = (...definitions: Definitions) => {
    ran.splice(0);
    return bed.make({ doorbell: noteRings(), definitions });
  };

  test("old code leaves a task of a newer version alone, and new code runs it", async () => {
    const old = deploy(first);
    const young = deploy(secondAlone);
    const [task] = await young.tasks.create([{ type: "greet", task_data: { first: "Ada", last: "Byron" } }]);
    expect(task).toMatchObject({ type: "greet", version: 2 });
    expect(await old.worker.tick()).toMatchObject({ completed: 0 });
    expect(await old.tasks.get(task?.id ?? 0)).toMatchObject({
      task_status: "Not started",
      attempts: 0,
      waiting_for_code: true,
    });
    expect(await young.tasks.get(task?.id ?? 0)).not.toHaveProperty("waiting_for_code");
    expect(await young.worker.tick()).toMatchObject({ completed: 1 });
    expect(ran).toEqual([[2, { first: "Ada", last: "Byron" }]]);
  });

  test("without migrate, new code leaves older versions to old code", async () => {
    const old = deploy(first);
    const young = deploy(secondAlone);
    const [task] = await old.tasks.create([{ type: "greet", task_data: { name: "Ada Byron" } }]);
    expect(task?.version).toBeNull();
    expect(await young.worker.tick()).toMatchObject({ completed: 0 });
    expect(await old.worker.tick()).toMatchObject({ completed: 1 });
    expect(ran).toEqual([[1, { name: "Ada Byron" }]]);
  });

  test("with migrate, new code reads the data of older versions, in a batch too", async () => {
    const old = deploy(first);
    await old.tasks.create([
      { type: "greet", task_data: { name: "Ada Byron" } },
      { type: "greet", task_data: { name: "Ada" } },
    ]);
    const young = deploy(second);
    expect(await young.worker.tick()).toMatchObject({ completed: 1, failed: 1 });
    expect(ran).toEqual([[2, { first: "Ada", last: "Byron" }]]);
    const error = {
      code: "migration_failed",
      message: expect.stringContaining("from version 1: there is no last name"),
    };
    expect((await young.tasks.get(2)).error_data).toMatchObject(error);
    await old.tasks.create([{ type: "greet", task_data: { name: "Alan Turing" } }]);
    const batches = deploy({ ...second, batch: true });
    await batches.tasks.create([{ type: "greet", task_data: { first: "Grace", last: "Hopper" } }]);
    expect(await batches.worker.tick()).toMatchObject({ completed: 2 });
    expect(ran).toEqual([
      [2, { first: "Alan", last: "Turing" }],
      [2, { first: "Grace", last: "Hopper" }],
    ]);
  });

  test("a batch leases no version that its code does not read", async () => {
    const old = deploy({ ...first, batch: true });
    const young = deploy(secondAlone);
    await old.tasks.create([{ type: "greet", task_data: { name: "Ada" } }]);
    await young.tasks.create([{ type: "greet" }]);
    await old.tasks.create([{ type: "greet", task_data: { name: "Alan" } }]);
    expect(await old.worker.tick()).toMatchObject({ completed: 2 });
    expect(
      await bed.sql(`select id, task_status from "baasix_Tasks" where task_status <> 'Completed'`),
    ).toEqual([{ id: "2", task_status: "Not started" }]);
  });

  test("says which version waits for code, and since when", async () => {
    const young = deploy(secondAlone);
    await young.tasks.create([{ type: "greet", scheduled_time: longAgo() }]);
    const old = deploy(first);
    expect(await old.worker.refresh()).toMatchObject({ waitingForCode: 1 });
    const [{ scheduled_time: since } = {}] = await young.tasks.list({ limit: 1 });
    const waiting = { waitingForCode: 1, waitingForCodeSince: since };
    expect(await old.operator.getCacheStats()).toMatchObject(waiting);
    const alone = bed.make({ definitions: [first], env: { CACHE_ENABLED: "false" } });
    expect(await alone.operator.getCacheStats()).toMatchObject(waiting);
    expect(await young.worker.refresh()).toMatchObject({ waitingForCode: 0 });
    expect(await young.operator.getCacheStats()).not.toHaveProperty("waitingForCodeSince");
  });

  test("a task is created in the version that the caller names, if the code here reads it", async () => {
    const { tasks, worker } = deploy(second);
    const given = { type: "greet", task_data: { name: "Ada Byron" } };
    expect(await tasks.create([{ ...given, version: 1 }])).toMatchObject([{ version: null }]);
    for (const [version, wanted] of [
      [3, "a version that the code here reads (1, 2), got 3"],
      [0, "a whole number from 1 to 1000, got 0"],
      [1.5, "a whole number from 1 to 1000, got 1.5"],
    ] as const)
      await expect(tasks.create([{ ...given, version }])).rejects.toMatchObject({
        issues: [{ path: "version", message: expect.stringContaining(wanted) }],
      });
    // In the version of the code here, its data is not what it must be; nor can this be migrated.
    await expect(tasks.create([given])).rejects.toMatchObject({ code: "invalid_request" });
    const unreadable = { type: "greet", version: 1, task_data: { name: "Ada" } };
    await expect(tasks.create([unreadable])).rejects.toMatchObject({ issues: [{ path: "task_data" }] });
    expect(await worker.tick()).toMatchObject({ completed: 1 });
  });

  test("a type that ends like a version is refused, and in SQL it is taken for none of that version", async () => {
    const { tasks, worker } = deploy(secondAlone);
    await expect(tasks.create([{ type: "greet@2" }])).rejects.toMatchObject({
      issues: [{ path: "type", message: expect.stringContaining("does not end in @ and a number") }],
    });
    await bed.sql(`insert into "baasix_Tasks" (type, task_data) values ('greet@2', '{"name":"Ada"}')`);
    await worker.refresh();
    await worker.tick();
    expect(await tasks.get(1)).toMatchObject({
      task_status: "Error",
      error_data: { code: "migration_failed" },
    });
    expect(ran).toEqual([]);
  });

  test("data that is changed is of the version of the code that changes it", async () => {
    const { tasks } = deploy(first);
    const later = new Date(Date.now() + 3_600_000).toISOString();
    await tasks.create([{ type: "greet", task_data: { name: "Ada Byron" }, scheduled_time: later }]);
    const young = deploy(second);
    expect(await young.tasks.update(1, { max_attempts: 2 })).toMatchObject({ version: null });
    const changed = await young.tasks.update(1, { task_data: { first: "Ada", last: "King" } });
    expect(changed).toMatchObject({ version: 2 });
  });

  test("what is inserted in SQL is of the first version, unless it says more", async () => {
    await bed.sql(`insert into "baasix_Tasks" (type, task_data) values ('greet', '{"name":"Ada Byron"}')`);
    await bed.sql(
      `select tickwork.enqueue('greet', '{"first":"Ada","last":"King"}', now(), '{"version":2}')`,
    );
    const { worker } = deploy(second);
    await worker.refresh();
    expect(await worker.tick()).toMatchObject({ completed: 2 });
    await expect(bed.sql(`select tickwork.enqueue('greet', '1', now(), '{"version":0}')`)).rejects.toThrow(
      "options.version must be a whole number from 1 to 1000, got 0",
    );
  });
});
