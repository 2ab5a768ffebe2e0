import { beforeEach, describe, expect, test } from "vitest";
import { Op, TasksModel } from "#compat";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { noting } from "../support/bed/tasks.ts";

const TENANT = "6e1a2f52-8d4f-4d1d-a87e-2f0b9f0f9a01";

/** A table as Baasix creates it, where the status is any text, with more columns of its users. */
const tableWith = (more: string) => `create table "baasix_Tasks" (
  id serial primary key, task_status varchar(255) not null default 'Not started', type varchar(255) not null,
  scheduled_time timestamptz, attachment_id uuid, task_data jsonb, result_data json, error_data json,
  status varchar(255) default 'published', "tenant_Id" uuid, ${more}
  "userCreated_Id" uuid, "userUpdated_Id" uuid,
  "createdAt" timestamptz not null, "updatedAt" timestamptz not null)`;

eachStack("on a table that Baasix made", (kind) => {
  const compat = compatBed(kind, { migrated: false });
  const adopt = async (more = "") => {
    await compat.bed.sql(
      `drop table if exists "baasix_Tasks", tickwork_migrations, tickwork_flags, tickwork_requests`,
    );
    await compat.bed.sql(tableWith(more));
    await compat.bed.make().migrate();
    return compat.useWarm();
  };

  describe("with its own columns", () => {
    beforeEach(() => adopt());

    test("columns of other types, and other columns, are written and found", async () => {
      const [first, second] = await TasksModel.bulkCreate([
        { type: "a", tenant_Id: TENANT, status: "draft", metadata: { n: 1 } },
        { type: "b" },
      ]);
      expect(first).toMatchObject({ id: 1, tenant_Id: TENANT, status: "draft", task_data: { n: 1 } });
      // A column that a row does not give gets its default, even if other rows give it.
      expect(second).toMatchObject({ tenant_Id: null, status: "published", task_data: null });
      expect(await TasksModel.count({ where: { tenant_Id: TENANT } })).toBe(1);
      expect(await TasksModel.count({ where: { tenant_Id: [TENANT], status: { [Op.like]: "dr%" } } })).toBe(
        1,
      );
      await first?.update({ status: "archived", note: "jsonb" });
      expect(
        await TasksModel.findAll({ where: { status: "archived" }, order: [["tenant_Id", "ASC"]] }),
      ).toMatchObject([{ id: 1, task_data: { n: 1, note: "jsonb" } }]);
      // In the order given, whatever columns each has: tasks with the same due time run in that order.
      const more = await TasksModel.bulkCreate([
        { type: "c" },
        { type: "d", status: null },
        { type: "e" },
        { type: "f", id: 90, status: "draft" },
        { type: "g", status: undefined },
      ]);
      expect(
        more.map(({ id, type }) => [id, type, more.find((task) => task.id === id)?.get("status")]),
      ).toEqual([
        [3, "c", "published"],
        [4, "d", null],
        [5, "e", "published"],
        [90, "f", "draft"],
        [6, "g", "published"],
      ]);
      await expect(TasksModel.create({ type: "c", tenant_Id: "no uuid" })).rejects.toMatchObject({
        kind: "invalid",
      });
    });

    test("who creates and changes a task is kept, if it is what the columns hold", async () => {
      const { tasks } = compat.use({ definitions: [noting().definition] });
      const [created] = await tasks.create([{ type: "note" }], { userId: TENANT });
      expect(created).toMatchObject({ userCreated_Id: TENANT, userUpdated_Id: null });
      const USER = TENANT.replace("6e1a", "0000");
      expect(await tasks.update(1, { task_data: 1 }, { userId: USER })).toMatchObject({
        userCreated_Id: TENANT,
        userUpdated_Id: USER,
      });
      for (const refused of [
        () => tasks.create([{ type: "note" }], { userId: "ada" }),
        () => tasks.update(1, { task_data: 2 }, { userId: "ada" }),
        () => tasks.cancel(1, { userId: "ada" }),
        () => tasks.create([{ type: "note", attachment_id: "no uuid" }]),
      ])
        await expect(refused()).rejects.toMatchObject({
          code: "invalid_request",
          message: expect.stringContaining("uuid"),
        });
    });

    test("an unknown status is rejected, although the table would take it", async () => {
      const { id } = await TasksModel.create({ type: "a" });
      await expect(TasksModel.update({ task_status: "Done" }, { where: { id } })).rejects.toThrow('"Done"');
      await expect(TasksModel.count({ where: { task_status: "done" } })).rejects.toThrow('"done"');
      expect(await TasksModel.update({ task_status: "Running" }, { where: { id } })).toEqual([1]);
      await expect(TasksModel.create({ type: "b", task_status: "Running" })).rejects.toMatchObject({
        code: "task_running",
      });
      expect(
        await TasksModel.update({ task_status: "Error", error_message: "x" }, { where: { id } }),
      ).toEqual([1]);
      expect(await TasksModel.findByPk(id)).toMatchObject({ error_data: { message: "x", name: "Error" } });
    });
  });

  test("metadata and error_message go to the columns of those names, if there are any", async () => {
    await adopt(
      `metadata json, error_message text, urgency integer not null default 5, "deletedAt" timestamptz,`,
    );
    const task = await TasksModel.create({
      type: "a",
      metadata: '{"import_id": 7}',
      error_message: "none yet",
      colour: "red",
      deletedAt: "2026-01-01T00:00:00Z",
    });
    expect(task).toMatchObject({
      metadata: { import_id: 7 },
      error_message: "none yet",
      urgency: 5,
      error_data: null,
      task_data: { colour: "red" },
      deletedAt: new Date("2026-01-01T00:00:00Z"),
    });
    await TasksModel.update(
      { metadata: { import_id: 8 }, urgency: 1 },
      { where: { urgency: { [Op.gt]: 4.5 } } },
    );
    expect(await TasksModel.findByPk(1)).toMatchObject({ metadata: { import_id: 8 }, urgency: 1 });
  });

  test("a column may be called anything", async () => {
    const name = `we"ird); drop table x; --`;
    await adopt(`"we""ird); drop table x; --" integer, "select" text,`);
    await TasksModel.create({ type: "a", [name]: 3, select: "from" });
    await TasksModel.update({ [name]: 4 }, { where: { [name]: { [Op.between]: [3, 3] }, select: "from" } });
    const [found] = await TasksModel.findAll({
      where: { [name]: [4] },
      order: [[name, "DESC"]],
      attributes: [name],
    });
    expect(found).toEqual({ [name]: 4 });
  });

  test("types that cannot be compared are the caller's error", async () => {
    await adopt("place point,");
    await TasksModel.create({ type: "a", place: "(1,2)" });
    await expect(TasksModel.findAll({ where: { place: "(1,2)" } })).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining("operator does not exist: point = point"),
    });
    expect(await TasksModel.count({ where: { place: { [Op.like]: "(1%" } } })).toBe(1);
  });

  test("without the table, the error says that migrations create it", async () => {
    await compat.bed.sql(`drop table if exists "baasix_Tasks"`);
    compat.use();
    await expect(TasksModel.count()).rejects.toThrow('There is no table "baasix_Tasks"');
    await adopt();
    expect(await TasksModel.count()).toBe(0);
  });
});
