import { describe, expect, test, vi } from "vitest";
import { Op, TasksModel, type TaskValues } from "#compat";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { keyOf } from "../support/bed/look.ts";

const PAST = "2020-01-01T00:00:00.000Z";

eachStack("changing with the model", (kind) => {
  const compat = compatBed(kind);
  const cached = async () =>
    (await compat.bed.redis("ZRANGE", keyOf(compat.bed, "waiting"), 0, -1)) as string[];
  const waiting = async () => (await cached()).filter((id) => !id.startsWith("*")).map(Number);

  describe("update", () => {
    test("changes what matches and returns how many", async () => {
      compat.use();
      await TasksModel.bulkCreate([{ type: "a" }, { type: "a", task_data: { kept: true } }, { type: "b" }]);
      expect(await TasksModel.update({ type: "c", scheduled_time: PAST }, { where: { type: "a" } })).toEqual([
        2,
      ]);
      expect(await TasksModel.update({ type: "c" }, { where: { type: "a" } })).toEqual([0]);
      expect(await TasksModel.findAll({ where: { type: "c" }, order: ["id"] })).toMatchObject([
        { id: 1, scheduled_time: new Date(PAST), rev: 2 },
        { id: 2, task_data: { kept: true }, rev: 2 },
      ]);
      const [count, rows] = await TasksModel.update(
        { attachment_id: "f" },
        { where: { id: { [Op.gt]: 2 } }, returning: true },
      );
      expect([count, rows.map(({ id, attachment_id }) => [id, attachment_id])]).toEqual([1, [[3, "f"]]]);
    });

    test("adds members to the JSON of each row, keeps their order, and replaces a column that is given as a whole", async () => {
      compat.use();
      await TasksModel.bulkCreate([
        { type: "a" },
        { type: "a" },
        { type: "a", task_data: [1] },
        { type: "a", task_data: "text" },
      ]);
      await compat.bed.sql(`update "baasix_Tasks" set task_data = $1 where id = 1`, [
        '{"z": 1, "b": {"deep": [1.0]}, "m": 2}',
      ]);
      await TasksModel.update({ metadata: '{"m": 3}', priority: "high" }, { where: {} });
      const data = async () =>
        (await TasksModel.findAll({ order: ["id"] })).map(({ task_data }) => task_data);
      expect(await data()).toEqual([
        { z: 1, b: { deep: [1] }, m: 3, priority: "high" },
        { m: 3, priority: "high" },
        { value: [1], m: 3, priority: "high" },
        { value: "text", m: 3, priority: "high" },
      ]);
      const [{ task_data } = { task_data: "" }] = await compat.bed.sql<{ task_data: string }>(
        `select task_data::text from "baasix_Tasks" where id = 1`,
      );
      expect(Object.keys(JSON.parse(task_data))).toEqual(["z", "b", "m", "priority"]);
      expect(task_data).toContain("1.0");
      expect(task_data.match(/"m"/g)).toHaveLength(1);
      await TasksModel.update({ task_data: { fresh: true }, priority: "low" }, { where: { id: 1 } });
      await TasksModel.update({ task_data: null }, { where: { id: { [Op.gt]: 1 } } });
      expect(await data()).toEqual([{ fresh: true, priority: "low" }, null, null, null]);
    });

    test("concurrent updates do not lose each other's members", async () => {
      compat.use();
      await TasksModel.create({ type: "a" });
      await Promise.all(
        Array.from({ length: 8 }, (_, n) => TasksModel.update({ [`part${n}`]: n }, { where: { id: 1 } })),
      );
      expect(Object.keys((await TasksModel.findByPk(1))?.task_data as object)).toHaveLength(8);
    });

    test("error_message replaces what described an earlier error, and keeps the rest of error_data", async () => {
      compat.use();
      const earlier = { message: "old", name: "TimeoutError", code: "timeout", stack: "at …", attempts: 2 };
      await TasksModel.bulkCreate([
        { type: "a", error_data: earlier },
        { type: "a", error_data: "text" },
      ]);
      await TasksModel.update({ task_status: "Error", error_message: "Manually reset" }, { where: {} });
      expect((await TasksModel.findAll({ order: ["id"] })).map(({ error_data }) => error_data)).toEqual([
        { attempts: 2, message: "Manually reset", name: "Error" },
        { value: "text", message: "Manually reset", name: "Error" },
      ]);
      await TasksModel.update({ error_message: "again", error_data: { code: 1 } }, { where: { id: 1 } });
      await TasksModel.update({ error_message: null }, { where: { id: 2 } });
      expect((await TasksModel.findAll({ order: ["id"] })).map(({ error_data }) => error_data)).toEqual([
        { code: 1, message: "again", name: "Error" },
        null,
      ]);
    });

    test("id and createdAt stay, and without anything to write there is no request", async () => {
      await compat.useWarm();
      const task = await TasksModel.create({ type: "a" });
      compat.bed.counts.reset();
      expect(
        await TasksModel.update(
          { id: 9, createdAt: new Date(PAST), rev: 7, type: undefined },
          { where: { id: 1 } },
        ),
      ).toEqual([0]);
      expect(compat.bed.counts).toMatchObject({ postgres: 0, redis: 0 });
      expect(await TasksModel.findByPk(1)).toEqual(task);
    });

    test("Running gets a lease; a second one is a conflict", async () => {
      const { tasks } = await compat.useWarm();
      await TasksModel.bulkCreate([{ type: "a" }, { type: "b" }]);
      expect(await TasksModel.update({ task_status: "Running" }, { where: { id: 1 } })).toEqual([1]);
      const running = await TasksModel.findByPk(1);
      expect(running).toMatchObject({ task_status: "Running", slot: 0, attempts: 1 });
      expect(running?.lease_expires_at?.getTime()).toBeGreaterThan(Date.now() + 14 * 60_000);
      const conflict = {
        kind: "conflict",
        code: "task_running",
        message: expect.stringContaining("another one is"),
      };
      await expect(TasksModel.update({ task_status: "Running" }, { where: { id: 2 } })).rejects.toMatchObject(
        conflict,
      );
      await expect(TasksModel.create({ type: "c", task_status: "Running" })).rejects.toMatchObject(conflict);
      expect(await TasksModel.count({ where: { task_status: "Not started" } })).toBe(1);
      // A row that was read and is written back does not touch the lease.
      const { lease_expires_at: _, ...read } = (await TasksModel.findByPk(1))?.toJSON() ?? {};
      await TasksModel.update(
        { ...read, lease_expires_at: new Date(PAST), progress: 0.5 },
        { where: { id: 1 } },
      );
      expect((await TasksModel.findByPk(1))?.lease_expires_at).toEqual(running?.lease_expires_at);
      await TasksModel.update({ task_status: "Completed", result_data: { ok: 1 } }, { where: { id: 1 } });
      expect(await tasks.get(1)).toMatchObject({
        task_status: "Completed",
        slot: null,
        result_data: { ok: 1 },
      });
      expect(await TasksModel.update({ task_status: "Running" }, { where: { id: 2 } })).toEqual([1]);
    });

    test("when it ends a task that Tickwork runs, the worker changes nothing any more", async () => {
      let finish: () => void = () => {};
      const { worker } = await compat.useWarm({
        definitions: [{ type: "a", run: () => new Promise<void>((resolve) => (finish = resolve)) }],
      });
      const { id } = await TasksModel.create({ type: "a" });
      const tick = worker.tick();
      await vi.waitFor(async () => expect((await compat.row(id))?.task_status).toBe("Running"));
      await TasksModel.update({ task_status: "Error", error_message: "Manually reset" }, { where: { id } });
      finish();
      expect(await tick).toMatchObject({ lost: 1 });
      expect(await TasksModel.findByPk(id)).toMatchObject({
        task_status: "Error",
        error_data: { message: "Manually reset" },
        result_data: null,
      });
    });

    test("rejects what cannot be meant", async () => {
      compat.use();
      const { id } = await TasksModel.create({ type: "a" });
      const rejected = async (values: unknown, options: unknown, message: string) =>
        expect(TasksModel.update(values as TaskValues, options as never)).rejects.toMatchObject({
          kind: "invalid",
          message: expect.stringContaining(message),
        });
      const missing = "Missing where attribute in the options parameter";
      await rejected({ type: "b" }, undefined, missing);
      await rejected({ type: "b" }, {}, missing);
      await rejected({ type: "b" }, { where: null }, missing);
      await rejected({ type: "b" }, { where: undefined }, missing);
      await rejected({ type: "b" }, { where: { id: undefined } }, "where.id must be");
      await rejected(
        { type: "b" },
        { where: { id }, transaction: {} },
        'options must have only where, returning, got "transaction"',
      );
      await rejected({ task_status: "Done" }, { where: { id } }, 'got "Done"');
      await rejected({ type: null }, { where: { id } }, "not-null");
      expect(await TasksModel.count({ where: { type: "a" } })).toBe(1);
    });
  });

  test("destroy deletes what matches, returns how many, and needs a where", async () => {
    const { operator } = await compat.useWarm();
    await TasksModel.bulkCreate([{ type: "a" }, { type: "a" }, { type: "b" }]);
    expect(await waiting()).toEqual([1, 2, 3]);
    expect(await TasksModel.destroy({ where: { type: "a" } })).toBe(2);
    expect(await TasksModel.destroy({ where: { type: "a" } })).toBe(0);
    expect(await waiting()).toEqual([3]);
    await expect(TasksModel.destroy(undefined as never)).rejects.toThrow("Missing where attribute");
    await expect(TasksModel.destroy({ truncate: true } as never)).rejects.toThrow(
      'options must have only where, returning, got "truncate"',
    );
    expect(await TasksModel.destroy({ where: {} })).toBe(1);
    expect(await operator.getNotStartedTasks()).toEqual([]);
  });
});
