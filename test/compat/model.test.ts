import { describe, expect, test, vi } from "vitest";
import { Op, TasksModel, type TaskValues } from "#compat";
import { hooks, PostgresError } from "#core";
import { stacks } from "../support/bed/bed.ts";
import { compatBed } from "../support/bed/compat.ts";
import { noteRings } from "../support/bed/doorbells.ts";

const PAST = "2020-01-01T00:00:00.000Z";
const soon = () => new Date(Date.now() + 60_000);

describe.each(stacks)("the model on %s", (kind) => {
  const compat = compatBed(kind);
  const cached = async () =>
    (await compat.bed.redis("ZRANGE", `{${compat.bed.prefix}}:waiting`, 0, -1)) as string[];
  const waiting = async () => (await cached()).filter((id) => id !== "*").map(Number);

  describe("create", () => {
    test("without a time it is due now, without a status it has not started", async () => {
      compat.use();
      const before = Date.now();
      const task = await TasksModel.create({ type: "a" });
      expect(task).toMatchObject({ id: 1, type: "a", task_status: "Not started", task_data: null, rev: 1 });
      expect(task.scheduled_time).toBeInstanceOf(Date);
      expect(Math.abs(task.scheduled_time.getTime() - before)).toBeLessThan(10_000);
      expect(task.scheduled_time).toEqual(task.createdAt);
      expect(task.updatedAt).toBeInstanceOf(Date);
      expect(task.started_at).toBeNull();
      expect(task).not.toHaveProperty("lease_token");
    });

    test.each<[string, TaskValues["scheduled_time"]]>([
      ["a Date", new Date(PAST)],
      ["ISO 8601", "2020-01-01T01:00:00+01:00"],
      ["a day", "2020-01-01"],
      ["milliseconds", Date.parse(PAST)],
    ])("takes a time as %s", async (_, scheduled_time) => {
      compat.use();
      expect((await TasksModel.create({ type: "a", scheduled_time })).scheduled_time).toEqual(new Date(PAST));
    });

    test("metadata, as JSON or as an object, and attributes that are no columns become members of task_data", async () => {
      compat.use();
      const data = async (values: Partial<TaskValues>) =>
        (await TasksModel.create({ type: "a", ...values })).task_data;
      expect(await data({ metadata: '{"import_id": 7}' })).toEqual({ import_id: 7 });
      expect(await data({ metadata: { import_id: 7 }, task_data: { a: 1 } })).toEqual({ a: 1, import_id: 7 });
      expect(await data({ priority: "high", retries: { left: 2 }, since: new Date(PAST) })).toEqual({
        priority: "high",
        retries: { left: 2 },
        since: PAST,
      });
      expect(await data({ metadata: "no JSON", task_data: '{"a": 1}' })).toEqual({
        a: 1,
        metadata: "no JSON",
      });
      expect(await data({ metadata: "[1, 2]" })).toEqual({ metadata: [1, 2] });
      expect(await data({ metadata: null, nothing: undefined })).toBeNull();
      expect(await data({ task_data: [1, 2], priority: "high" })).toEqual({
        value: [1, 2],
        priority: "high",
      });
      expect(
        await data(JSON.parse('{"__proto__": {"polluted": true}, "metadata": {"constructor": 1}}')),
      ).toEqual(JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'));
      expect(await data({ 'x" = 1; drop table "baasix_Tasks"; --': 1 })).toEqual({
        'x" = 1; drop table "baasix_Tasks"; --': 1,
      });
    });

    test("JSON columns take objects, lists and their JSON; other text stays text", async () => {
      compat.use();
      const data = async (task_data: unknown) =>
        (await TasksModel.create({ type: "a", task_data })).task_data;
      for (const value of [{ a: [1, { b: null }] }, [1, "2"], "text", "{no json", "12", 12, true, null])
        expect(await data(value)).toEqual(value);
      expect(await data('{"a": 1}')).toEqual({ a: 1 });
      expect(await data(" [1]")).toEqual([1]);
      expect(
        await TasksModel.create({ type: "a", result_data: { r: 1 }, error_data: '{"message":"m"}' }),
      ).toMatchObject({
        result_data: { r: 1 },
        error_data: { message: "m" },
      });
    });

    test("error_message becomes error_data", async () => {
      compat.use();
      const error = async (error_message: unknown, error_data?: unknown) =>
        (await TasksModel.create({ type: "a", task_status: "Error", error_message, error_data })).error_data;
      expect(await error("it broke")).toEqual({ message: "it broke", name: "Error" });
      expect(await error("it broke", { code: 7 })).toEqual({ code: 7, message: "it broke", name: "Error" });
      expect(await error(new TypeError("no function"))).toEqual({
        message: "no function",
        name: "TypeError",
      });
      expect(await error({ status: 500 })).toEqual({ message: '{"status":500}', name: "Error" });
      expect(await error("zero \0 and half \ud800")).toEqual({
        message: "zero  and half \ufffd",
        name: "Error",
      });
      expect(await error(undefined)).toBeNull();
      expect(await error(null)).toBeNull();
    });

    test("what Tickwork keeps is passed over, so that a row can be written as it was read", async () => {
      compat.use();
      const { id: _, ...read } = (await TasksModel.create({ type: "a", task_data: { a: 1 } })).toJSON();
      const copy = await TasksModel.create({
        ...read,
        rev: 99,
        slot: 5,
        lease_token: "mine",
        lease_expires_at: new Date(PAST),
        updatedAt: new Date(PAST),
        createdAt: new Date(PAST),
      });
      expect(copy).toMatchObject({
        id: 2,
        task_data: { a: 1 },
        rev: 1,
        slot: null,
        createdAt: new Date(PAST),
      });
      expect(copy.updatedAt.getTime()).toBeGreaterThan(Date.parse(PAST));
      expect(await compat.row(2)).toMatchObject({ lease_token: null, lease_expires_at: null });
    });

    test.each<[string, unknown, string]>([
      ["no type", {}, "values.type: is missing"],
      [
        "a status that is none",
        { type: "a", task_status: "Done" },
        '"Done" is not accepted; "Not started", "Running"',
      ],
      ["no status", { type: "a", task_status: null }, "null is not accepted"],
      [
        "a time that is none",
        { type: "a", scheduled_time: "soon" },
        'values.scheduled_time: "soon" is not accepted',
      ],
      ["a number that is none", { type: "a", attempts: Number.NaN }, "values.attempts: NaN is not accepted"],
      ["a type that is too long", { type: "x".repeat(256) }, "too long"],
      ["null where it cannot be", { type: "a", attempts: null }, "violates not-null constraint"],
      ["text for a number", { type: "a", max_attempts: "many" }, "invalid input syntax"],
      ["text that Postgres cannot store", { type: "a", note: "a\0b" }, "unsupported Unicode escape"],
      ["what is no JSON", { type: "a", count: { of: 1n } }, "values.count: cannot be written as JSON"],
      ["no object", "a", 'values: "a" is not accepted; an object of attributes is'],
    ])("refuses %s", async (_, values, message) => {
      compat.use();
      await expect(TasksModel.create(values as TaskValues)).rejects.toMatchObject({
        kind: "invalid",
        message: expect.stringContaining(message),
      });
      expect(await TasksModel.count()).toBe(0);
    });

    test("refuses an id that is taken", async () => {
      compat.use();
      await TasksModel.create({ type: "a", id: 7 });
      await expect(TasksModel.create({ type: "a", id: 7 })).rejects.toMatchObject({ kind: "invalid" });
    });
  });

  describe("bulkCreate", () => {
    test("returns the tasks in the order given, whatever columns each has", async () => {
      await compat.useWarm();
      const list = Array.from({ length: 30 }, (_, n) => ({
        type: `t${n}`,
        ...(n % 2 ? { task_data: { n } } : {}),
        ...(n % 3 ? {} : { max_attempts: n + 1 }),
        ...(n % 5 ? {} : { colour: n }),
        ...(n % 7 ? {} : { id: 1000 - n }),
      }));
      const made = await TasksModel.bulkCreate(list);
      expect(made.map(({ type }) => type)).toEqual(list.map(({ type }) => type));
      expect(made.map(({ max_attempts }) => max_attempts)).toEqual(
        list.map(({ max_attempts }) => max_attempts ?? null),
      );
      expect(made[5]?.task_data).toEqual({ n: 5, colour: 5 });
      const counted = made.filter(({ id }) => id < 900).map(({ id }) => id);
      expect(counted).toEqual(counted.toSorted((a, b) => a - b));
      expect(made.filter(({ id }) => id > 900).map(({ id }) => id)).toEqual([1000, 993, 986, 979, 972]);
      expect(compat.bed.counts).toMatchObject({ postgres: 1, redis: 1 });
      expect((await waiting()).length).toBe(30);
    });

    test("makes all or none, and nothing of nothing", async () => {
      compat.use();
      await expect(TasksModel.bulkCreate([{ type: "a" }, { type: "b", task_status: "?" }])).rejects.toThrow(
        'values[1].task_status: "?" is not accepted',
      );
      await expect(
        TasksModel.bulkCreate([{ type: "a" }, { type: "x".repeat(300), attempts: 1 }]),
      ).rejects.toThrow();
      expect(await TasksModel.bulkCreate([])).toEqual([]);
      await expect(TasksModel.bulkCreate({ type: "a" } as never)).rejects.toThrow("a list of tasks is");
      expect(await TasksModel.count()).toBe(0);
    });
  });

  describe("update", () => {
    test("changes what matches and says how many", async () => {
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

    test("adds members to the JSON of each row, keeps their order, and replaces a column that is given", async () => {
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

    test("two at once lose nothing of each other", async () => {
      compat.use();
      await TasksModel.create({ type: "a" });
      await Promise.all(
        Array.from({ length: 8 }, (_, n) => TasksModel.update({ [`part${n}`]: n }, { where: { id: 1 } })),
      );
      expect(Object.keys((await TasksModel.findByPk(1))?.task_data as object)).toHaveLength(8);
    });

    test("error_message replaces what told of an earlier error, and keeps the rest of error_data", async () => {
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

    test("id and createdAt stay, and nothing to write is no request", async () => {
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

    test("Running gets a lease; a second one is a conflict, whoever runs the first", async () => {
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

    test("of a task that Tickwork runs, its worker changes nothing any more", async () => {
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

    test("refuses what cannot be meant", async () => {
      compat.use();
      const { id } = await TasksModel.create({ type: "a" });
      const refused = async (values: unknown, options: unknown, message: string) =>
        expect(TasksModel.update(values as TaskValues, options as never)).rejects.toMatchObject({
          kind: "invalid",
          message: expect.stringContaining(message),
        });
      const missing = "Missing where attribute in the options parameter";
      await refused({ type: "b" }, undefined, missing);
      await refused({ type: "b" }, {}, missing);
      await refused({ type: "b" }, { where: null }, missing);
      await refused({ type: "b" }, { where: undefined }, missing);
      await refused({ type: "b" }, { where: { id: undefined } }, "where.id: undefined is not accepted");
      await refused({ type: "b" }, { where: { id }, transaction: {} }, '"transaction" is not an option here');
      await refused({ task_status: "Done" }, { where: { id } }, 'values.task_status: "Done" is not accepted');
      await refused({ type: null }, { where: { id } }, "not-null");
      expect(await TasksModel.count({ where: { type: "a" } })).toBe(1);
    });
  });

  test("destroy deletes what matches, says how many, and needs a where", async () => {
    const { operator } = await compat.useWarm();
    await TasksModel.bulkCreate([{ type: "a" }, { type: "a" }, { type: "b" }]);
    expect(await waiting()).toEqual([1, 2, 3]);
    expect(await TasksModel.destroy({ where: { type: "a" } })).toBe(2);
    expect(await TasksModel.destroy({ where: { type: "a" } })).toBe(0);
    expect(await waiting()).toEqual([3]);
    await expect(TasksModel.destroy(undefined as never)).rejects.toThrow("Missing where attribute");
    await expect(TasksModel.destroy({ truncate: true } as never)).rejects.toThrow(
      '"truncate" is not an option here',
    );
    expect(await TasksModel.destroy({ where: {} })).toBe(1);
    expect(await operator.getNotStartedTasks()).toEqual([]);
  });

  describe("finders", () => {
    const seed = async () => {
      await compat.useWarm();
      await TasksModel.bulkCreate(
        ["b", "a", "c", "a"].map((type, n) => ({ type, attachment_id: n === 2 ? null : `f${n}` })),
      );
      compat.bed.counts.reset();
    };

    test("findAll orders, limits and skips", async () => {
      await seed();
      const ids = async (options: Parameters<typeof TasksModel.findAll>[0]) =>
        (await TasksModel.findAll(options)).map(({ id }) => id);
      expect(
        await ids({
          order: [
            ["type", "ASC"],
            ["id", "DESC"],
          ],
        }),
      ).toEqual([4, 2, 1, 3]);
      expect(await ids({ order: ["type", "id"], limit: 2, offset: 1 })).toEqual([4, 1]);
      expect(await ids({ order: "id", offset: 3 })).toEqual([4]);
      expect(await ids({ order: [["attachment_id", "desc nulls last"]] })).toEqual([4, 2, 1, 3]);
      expect(await ids({ order: [["attachment_id", "ASC NULLS FIRST"]] })).toEqual([3, 1, 2, 4]);
      expect(await ids({ order: [["task_data"], ["id"]], limit: 1 })).toEqual([1]);
      expect(await ids({ limit: 0 })).toEqual([]);
    });

    test("attributes are all that an instance has, and it can still be written", async () => {
      await seed();
      const [task] = await TasksModel.findAll({ attributes: ["type", "scheduled_time"], where: { id: 3 } });
      expect(task).toEqual({ type: "c", scheduled_time: expect.any(Date) });
      await task?.update({ type: "d" });
      expect(task).toEqual({ type: "d", scheduled_time: expect.any(Date) });
      expect(await TasksModel.findByPk(3, { attributes: { exclude: ["history"] } })).not.toHaveProperty(
        "history",
      );
      expect((await TasksModel.findByPk(3, { attributes: { exclude: ["history"] } }))?.type).toBe("d");
    });

    test("findOne, findByPk, count and findAndCountAll", async () => {
      await seed();
      expect(await TasksModel.findOne({ where: { type: "a" }, order: [["id", "DESC"]] })).toMatchObject({
        id: 4,
      });
      expect(await TasksModel.findOne({ where: { type: "z" } })).toBeNull();
      expect(await TasksModel.findByPk(2)).toMatchObject({ id: 2, type: "a" });
      expect(await TasksModel.findByPk("2")).toMatchObject({ id: 2 });
      expect(await TasksModel.findByPk(99)).toBeNull();
      expect(await TasksModel.findByPk(null)).toBeNull();
      await expect(TasksModel.findByPk("2 or 1 = 1")).rejects.toMatchObject({ kind: "invalid" });
      expect(await TasksModel.count()).toBe(4);
      expect(await TasksModel.count({ where: { type: "a" } })).toBe(2);
      const page = await TasksModel.findAndCountAll({
        where: { type: ["a", "b"] },
        order: [["id", "DESC"]],
        limit: 2,
        attributes: ["id", "createdAt"],
      });
      expect(page).toEqual({
        count: 3,
        rows: [
          { id: 4, createdAt: expect.any(Date) },
          { id: 2, createdAt: expect.any(Date) },
        ],
      });
      expect(await TasksModel.findAndCountAll({ where: { type: "z" } })).toEqual({ count: 0, rows: [] });
    });

    test.each<[string, object, string]>([
      ["a column to order by", { order: [["colour", "ASC"]] }, 'order: "colour" is not a column'],
      ["a direction as a column", { order: ["type", "DESC"] }, 'order: "DESC" is not a column'],
      ["SQL as a direction", { order: [["id", "ASC; drop table x"]] }, "order.id:"],
      ["SQL as an order", { order: 'id; drop table "baasix_Tasks"' }, "is not a column"],
      [
        "a limit",
        { limit: "1; drop table x" },
        'limit: "1; drop table x" is not accepted; a whole number from 0',
      ],
      ["an offset", { offset: -1 }, "offset: -1 is not accepted"],
      ["an attribute", { attributes: ["id", "1 as one"] }, 'attributes: "1 as one" is not a column'],
      ["the token of a lease", { attributes: ["lease_token"] }, '"lease_token" is not a column'],
      ["no attributes", { attributes: [] }, "attributes: are not accepted like this"],
      ["an option", { include: [] }, 'options: "include" is not an option here; where, order, limit,'],
    ])("refuse %s", async (_, options, message) => {
      compat.use();
      await expect(TasksModel.findAll(options)).rejects.toMatchObject({
        kind: "invalid",
        message: expect.stringContaining(message),
      });
    });
  });

  describe("beside Tickwork", () => {
    test("a write is one request to Postgres and one to Redis, a read is one to Postgres", async () => {
      await compat.useWarm();
      const requests = async (work: () => Promise<unknown>) => {
        compat.bed.counts.reset();
        await work();
        return [compat.bed.counts.postgres, compat.bed.counts.redis];
      };
      const where = { id: 1 };
      expect(await requests(() => TasksModel.create({ type: "a", metadata: "{}", colour: 1 }))).toEqual([
        1, 1,
      ]);
      expect(await requests(() => TasksModel.bulkCreate([{ type: "a" }, { type: "a", id: 50 }]))).toEqual([
        1, 1,
      ]);
      expect(await requests(() => TasksModel.update({ error_message: "x", a: 1 }, { where }))).toEqual([
        1, 1,
      ]);
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

    test("the columns are read once, and again after that failed", async () => {
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

    test("the cache is right after each write", async () => {
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
      expect(await compat.bed.redis("ZRANGE", `{${compat.bed.prefix}}:running`, 0, -1)).toEqual([
        String(near.id),
      ]);
      await TasksModel.update(
        { task_status: "Not started", scheduled_time: PAST },
        { where: { id: near.id } },
      );
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

    test("Redis may be out of reach, or absent", async () => {
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

    test("Postgres out of reach is no fault of the caller", async () => {
      await compat.useWarm();
      compat.bed.faults.postgres = () => {
        throw new Error("no route to host");
      };
      await expect(TasksModel.create({ type: "a" })).rejects.toMatchObject({ kind: "unavailable" });
      expect(compat.bed.counts).toMatchObject({ postgres: 1, redis: 0 });
    });
  });
});
