import { expect, test } from "vitest";
import { TasksModel } from "#compat";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";

const PAST = new Date("2020-01-01T00:00:00Z");

eachStack("an instance", (kind) => {
  const compat = compatBed(kind);

  test("looks like its columns: its methods are not enumerable", async () => {
    compat.use();
    const task = await TasksModel.create({ type: "a", scheduled_time: PAST, metadata: { n: 1 } });
    expect(Object.keys(task)).toContain("task_data");
    expect(Object.keys(task)).not.toContain("save");
    expect({ ...task }).toEqual(task.toJSON());
    expect(JSON.parse(JSON.stringify(task))).toMatchObject({ id: 1, scheduled_time: PAST.toISOString() });
    expect(structuredClone(task)).toEqual(task.get());
    expect(await TasksModel.findByPk(1)).toEqual(task);
  });

  test("times are Dates", async () => {
    compat.use();
    await TasksModel.create({ type: "a", scheduled_time: PAST, task_status: "Running" });
    const running = await TasksModel.findByPk(1);
    for (const name of [
      "scheduled_time",
      "createdAt",
      "updatedAt",
      "started_at",
      "lease_expires_at",
    ] as const)
      expect(running?.[name], name).toBeInstanceOf(Date);
    expect(running?.finished_at).toBeNull();
    await running?.update({ task_status: "Completed" });
    expect(running?.finished_at).toBeInstanceOf(Date);
    expect(running?.lease_expires_at).toBeNull();
  });

  test("get, toJSON and dataValues return values and plain copies", async () => {
    compat.use();
    const task = await TasksModel.create({ type: "a", task_data: { list: [1] } });
    expect(task.get("type")).toBe("a");
    expect(task.get("colour")).toBeUndefined();
    for (const copy of [task.get(), task.get({ plain: true }), task.toJSON(), task.dataValues]) {
      expect(copy).toEqual({ ...task });
      (copy.task_data as { list: number[] }).list.push(2);
      copy.scheduled_time.setTime(0);
    }
    expect(task.task_data).toEqual({ list: [1] });
    expect(task.scheduled_time.getTime()).toBeGreaterThan(0);
  });

  test("update writes what it is given and then shows the row as it is", async () => {
    compat.use();
    const task = await TasksModel.create({ type: "a", task_data: { a: 1 } });
    task.attachment_id = "not saved yet";
    await compat.bed.sql(`update "baasix_Tasks" set progress = 0.5 where id = 1`);
    expect(await task.update({ type: "b", metadata: { n: 2 }, error_message: "x" })).toBe(task);
    expect(task).toMatchObject({
      type: "b",
      task_data: { a: 1, n: 2 },
      error_data: { message: "x" },
      progress: 0.5,
      rev: 3,
      attachment_id: "not saved yet",
    });
    expect(await compat.row(1)).toMatchObject({ type: "b", attachment_id: null });
    await task.save();
    expect(await compat.row(1)).toMatchObject({ attachment_id: "not saved yet", rev: "4" });
  });

  test("save writes what was assigned, even inside JSON, and nothing else", async () => {
    compat.use();
    const task = await TasksModel.create({ type: "a", task_data: { list: [1] } });
    await compat.bed.sql(`update "baasix_Tasks" set attachment_id = 'written elsewhere' where id = 1`);
    task.task_status = "Completed";
    (task.task_data as { list: number[] }).list.push(2);
    task.scheduled_time.setTime(PAST.getTime());
    Object.assign(task, { colour: "red" });
    expect(await task.save()).toBe(task);
    expect(task).toMatchObject({
      task_status: "Completed",
      task_data: { list: [1, 2], colour: "red" },
      scheduled_time: PAST,
      attachment_id: "written elsewhere",
    });
    expect(task).not.toHaveProperty("colour");
    expect(await TasksModel.findByPk(1)).toEqual(task);
  });

  test("reload reads the row again", async () => {
    compat.use();
    const task = await TasksModel.create({ type: "a" });
    await compat.bed.sql(`update "baasix_Tasks" set type = 'b' where id = 1`);
    task.type = "c";
    expect(await task.reload()).toBe(task);
    expect(task).toMatchObject({ type: "b", rev: 2 });
    // Nothing was assigned afterwards.
    compat.bed.counts.reset();
    await task.save();
    expect(compat.bed.counts.postgres).toBe(0);
  });

  test("destroy deletes its own row, even if another id was assigned", async () => {
    const { operator } = await compat.useWarm();
    const [task] = await TasksModel.bulkCreate([{ type: "a" }, { type: "b" }]);
    if (task) task.id = 2;
    await task?.save();
    await task?.update({ rev: 9 });
    await task?.destroy();
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([2]);
    expect(await TasksModel.findByPk(1)).toBeNull();
    await task?.destroy();
    await expect(task?.update({ type: "c" })).rejects.toMatchObject({ code: "task_not_found" });
    await expect(task?.reload()).rejects.toMatchObject({ code: "task_not_found" });
    expect(await TasksModel.count({ where: { type: "b" } })).toBe(1);
  });
});
