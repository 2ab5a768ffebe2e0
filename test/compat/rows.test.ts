import { expect, test } from "vitest";
import { Op, TasksModel } from "#compat";
import { hooks, PostgresError } from "#core";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { keyOf } from "../support/bed/look.ts";

const PAST = "2020-01-01T00:00:00.000Z";
const soon = () => new Date(Date.now() + 60_000);

eachStack("what the model writes, beside Tickwork", (kind) => {
  const compat = compatBed(kind);

  test("a write is one request to Postgres and one to Redis, a read is one to Postgres", async () => {
    await compat.useWarm();
    const requests = async (work: () => Promise<unknown>) => {
      compat.bed.counts.reset();
      await work();
      return [compat.bed.counts.postgres, compat.bed.counts.redis];
    };
    const where = { id: 1 };
    expect(await requests(() => TasksModel.create({ type: "a", metadata: "{}", colour: 1 }))).toEqual([1, 1]);
    expect(await requests(() => TasksModel.bulkCreate([{ type: "a" }, { type: "a", id: 50 }]))).toEqual([
      1, 1,
    ]);
    expect(await requests(() => TasksModel.update({ error_message: "x", a: 1 }, { where }))).toEqual([1, 1]);
    expect(await requests(() => TasksModel.update({ type: "x" }, { where: { id: 99 } }))).toEqual([1, 0]);
    expect(await requests(() => TasksModel.findAll({ where, limit: 1 }))).toEqual([1, 0]);
    expect(await requests(() => TasksModel.findOne())).toEqual([1, 0]);
    expect(await requests(() => TasksModel.findByPk(1))).toEqual([1, 0]);
    expect(await requests(() => TasksModel.findAndCountAll({ limit: 1 }))).toEqual([1, 0]);
    expect(await requests(() => TasksModel.count())).toEqual([1, 0]);
    const task = await TasksModel.findByPk(1);
    expect(await requests(async () => task?.update({ type: "b" }))).toEqual([1, 1]);
    expect(await requests(async () => task?.reload())).toEqual([1, 0]);
    expect(await requests(async () => task?.save())).toEqual([0, 0]);
    expect(await requests(() => TasksModel.destroy({ where: { id: { [Op.gt]: 1 } } }))).toEqual([1, 1]);
  });

  test("the columns are read once, and again after a failure", async () => {
    compat.use();
    compat.bed.faults.postgres = (query) => {
      if (query.includes("pg_attribute")) throw Object.assign(new Error("no"), { code: "42501" });
    };
    await expect(TasksModel.count()).rejects.toBeInstanceOf(PostgresError);
    delete compat.bed.faults.postgres;
    compat.bed.counts.reset();
    await Promise.all([TasksModel.count(), TasksModel.findOne(), TasksModel.count()]);
    expect(compat.bed.counts.postgres).toBe(4);
  });

  test("the cache is up to date after each write", async () => {
    const { operator } = await compat.useWarm();
    const inCache = async () => {
      compat.bed.counts.reset();
      const found = (await operator.getNotStartedTasks()).map(({ id, type, task_data }) => ({
        id,
        type,
        task_data,
      }));
      expect(compat.bed.counts.postgres).toBe(0);
      return found;
    };
    const near = await TasksModel.create({ type: "a", scheduled_time: soon() });
    const far = await TasksModel.create({
      type: "far",
      scheduled_time: new Date(Date.now() + 5 * 3_600_000),
    });
    expect(await inCache()).toEqual([{ id: near.id, type: "a", task_data: null }]);
    await TasksModel.update({ type: "b", note: "x" }, { where: { id: near.id } });
    expect(await inCache()).toEqual([{ id: near.id, type: "b", task_data: { note: "x" } }]);
    await far.update({ scheduled_time: soon() });
    expect((await inCache()).map(({ id }) => id)).toEqual([near.id, far.id]);
    await TasksModel.update(
      { scheduled_time: new Date(Date.now() + 5 * 3_600_000) },
      { where: { id: far.id } },
    );
    expect((await inCache()).map(({ id }) => id)).toEqual([near.id]);
    await TasksModel.update({ task_status: "Running" }, { where: { id: near.id } });
    expect(await inCache()).toEqual([]);
    expect(await compat.bed.redis("ZRANGE", keyOf(compat.bed, "running"), 0, -1)).toEqual([String(near.id)]);
    await TasksModel.update({ task_status: "Not started", scheduled_time: PAST }, { where: { id: near.id } });
    expect(await inCache()).toMatchObject([{ id: near.id }]);
    await TasksModel.destroy({ where: { id: near.id } });
    expect(await inCache()).toEqual([]);
    // An older write that comes late meets a newer rev.
    expect(await operator.getCacheStats()).toMatchObject({ cachedTasksCount: 0 });
  });

  test("the doorbell is rung for what becomes due, and a tick runs it", async () => {
    const bell = noteRings();
    const ran: unknown[] = [];
    const { worker } = await compat.useWarm({
      doorbell: bell,
      definitions: [{ type: "a", run: async (data) => void ran.push(data) }],
    });
    await TasksModel.create({ type: "a", scheduled_time: PAST, metadata: { n: 1 } });
    expect(bell.rings).toHaveLength(1);
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(ran).toEqual([{ n: 1 }]);
    bell.rings.length = 0;
    await TasksModel.update({ task_status: "Not started", scheduled_time: soon() }, { where: { id: 1 } });
    expect(bell.rings[0]?.inMs).toBeGreaterThan(50_000);
    bell.rings.length = 0;
    await TasksModel.update({ task_status: "Running" }, { where: { id: 1 } });
    expect(bell.rings[0]?.afterMs).toBeGreaterThan(14 * 60_000);
  });

  test("hooks are called with every row that was written", async () => {
    compat.use();
    const seen: [string, number, string][] = [];
    const takeBack = (["items.create.after", "items.update.after", "items.delete.after"] as const).map(
      (event) =>
        hooks.registerHook("baasix_Tasks", event, ({ data }) => {
          seen.push([event, data.id, data.task_status]);
        }),
    );
    await TasksModel.bulkCreate([{ type: "a" }, { type: "b" }]);
    await TasksModel.update({ task_status: "Completed" }, { where: { type: "b" } });
    await TasksModel.update({ task_status: "Completed" }, { where: { type: "none" } });
    await TasksModel.destroy({ where: {} });
    for (const stop of takeBack) stop();
    expect(seen).toEqual([
      ["items.create.after", 1, "Not started"],
      ["items.create.after", 2, "Not started"],
      ["items.update.after", 2, "Completed"],
      ["items.delete.after", 1, "Not started"],
      ["items.delete.after", 2, "Completed"],
    ]);
  });

  test("Redis may be unreachable or absent", async () => {
    const { operator } = compat.use();
    compat.bed.faults.redis = () => {
      throw new Error("no route to host");
    };
    await TasksModel.create({ type: "a" });
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    delete compat.bed.faults.redis;
    const alone = compat.use({ env: { CACHE_ENABLED: "false" } });
    compat.bed.counts.reset();
    await TasksModel.create({ type: "b" });
    expect((await alone.operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1, 2]);
    expect(compat.bed.counts.redis).toBe(0);
  });

  test("an unreachable Postgres is not the caller's fault", async () => {
    await compat.useWarm();
    compat.bed.faults.postgres = () => {
      throw new Error("no route to host");
    };
    await expect(TasksModel.create({ type: "a" })).rejects.toMatchObject({ kind: "unavailable" });
    expect(compat.bed.counts).toMatchObject({ postgres: 1, redis: 0 });
  });
});
