import { describe, expect, test } from "vitest";
import { TasksModel, type TaskValues } from "#compat";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { keyOf } from "../support/bed/look.ts";

const PAST = "2020-01-01T00:00:00.000Z";

eachStack("creating with the model", (kind) => {
  const compat = compatBed(kind);
  const cached = async () =>
    (await compat.bed.redis("ZRANGE", keyOf(compat.bed, "waiting"), 0, -1)) as string[];
  const waiting = async () => (await cached()).filter((id) => !id.startsWith("*")).map(Number);

  describe("create", () => {
    test("without a time, a task is due now; without a status, it has not started", async () => {
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

    test("metadata, as JSON or as an object, and attributes that are not columns become members of task_data", async () => {
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

    test("what Tickwork maintains is ignored, so that a row can be written back as it was read", async () => {
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
      ["no type", {}, "values.type is missing"],
      [
        "an unknown status",
        { type: "a", task_status: "Done" },
        'values.task_status must be one of "Not started", "Running", "Completed", "Error", got "Done"',
      ],
      ["no status", { type: "a", task_status: null }, ", got null"],
      ["a word as time", { type: "a", scheduled_time: "soon" }, "values.scheduled_time must be an ISO 8601"],
      [
        "not a number",
        { type: "a", attempts: Number.NaN },
        "values.attempts must be a finite number, got NaN",
      ],
      ["a type that is too long", { type: "x".repeat(256) }, "too long"],
      ["null where it cannot be", { type: "a", attempts: null }, "violates not-null constraint"],
      ["text for a number", { type: "a", max_attempts: "many" }, "invalid input syntax"],
      ["text that Postgres cannot store", { type: "a", note: "a\0b" }, "unsupported Unicode escape"],
      [
        "what JSON cannot express",
        { type: "a", count: { of: 1n } },
        "values.count cannot be written as JSON",
      ],
      ["a text", "a", 'values must be an object of attributes, got "a"'],
    ])("rejects %s", async (_, values, message) => {
      compat.use();
      await expect(TasksModel.create(values as TaskValues)).rejects.toMatchObject({
        kind: "invalid",
        message: expect.stringContaining(message),
      });
      expect(await TasksModel.count()).toBe(0);
    });

    test("rejects an id that is taken", async () => {
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

    test("creates all or none, and nothing from nothing", async () => {
      compat.use();
      await expect(TasksModel.bulkCreate([{ type: "a" }, { type: "b", task_status: "?" }])).rejects.toThrow(
        "values[1].task_status must be one of",
      );
      await expect(
        TasksModel.bulkCreate([{ type: "a" }, { type: "x".repeat(300), attempts: 1 }]),
      ).rejects.toThrow();
      expect(await TasksModel.bulkCreate([])).toEqual([]);
      await expect(TasksModel.bulkCreate({ type: "a" } as never)).rejects.toThrow(
        "values must be a list of tasks, got {",
      );
      expect(await TasksModel.count()).toBe(0);
    });
  });
});
