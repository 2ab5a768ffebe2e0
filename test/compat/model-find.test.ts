import { expect, test } from "vitest";
import { TasksModel } from "#compat";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";

eachStack("finding with the model", (kind) => {
  const compat = compatBed(kind);

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

  test("attributes are all that an instance has, but it can still be written", async () => {
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
    ["a column to order by", { order: [["colour", "ASC"]] }, '), got "colour"'],
    ["a direction as a column", { order: ["type", "DESC"] }, '), got "DESC"'],
    [
      "SQL as a direction",
      { order: [["id", "ASC; drop table x"]] },
      "order.id must be ASC or DESC, perhaps with",
    ],
    ["SQL as an order", { order: 'id; drop table "baasix_Tasks"' }, "order must name columns (id, "],
    ["a limit", { limit: "1; drop table x" }, 'limit must be a whole number from 0, got "1; drop table x"'],
    ["an offset", { offset: -1 }, "offset must be a whole number from 0, got -1"],
    ["an attribute", { attributes: ["id", "1 as one"] }, '), got "1 as one"'],
    ["the token of a lease", { attributes: ["lease_token"] }, '), got "lease_token"'],
    ["no attributes", { attributes: [] }, "attributes must be a list of columns, or { exclude: a list"],
    [
      "an option",
      { include: [] },
      'options must have only where, order, limit, offset, attributes, got "include"',
    ],
  ])("reject %s", async (_, options, message) => {
    compat.use();
    await expect(TasksModel.findAll(options)).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining(message),
    });
  });
});
