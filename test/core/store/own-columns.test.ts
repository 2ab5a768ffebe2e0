/** A table that was adopted may have columns by any name: also by one that a function of ours gives to something else. */
import { expect, test } from "vitest";
import type { TaskFilter, TaskSort } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting, ON_LEAP_DAYS } from "../../support/bed/tasks.ts";
import { filesOf, read } from "../../support/imports.ts";

const STORE = "packages/core/store";
/** What our statements call anything, and what our functions declare or are given; but no column of the table itself. */
const ofOurs = () => {
  const found = filesOf(STORE).flatMap((file) => [
    ...[...read(file).matchAll(/\bas (\w+)\b/g)].map(([, name]) => name),
    ...[...read(file).matchAll(/\bdeclare\s([\s\S]*?)\bbegin\b/g)].flatMap(([, block = ""]) =>
      block.split(";").map((one) => /\w+/.exec(one)?.[0]),
    ),
  ]);
  return new Set(found.filter((name) => name !== undefined && name === name.toLowerCase()));
};

describeOnStacks("columns of one's own", (bed) => {
  test("by the names of parameters and variables change nothing", async () => {
    const known = await bed.sql<{ name: string }>(
      `select attname::text as name from pg_attribute where attrelid = '"baasix_Tasks"'::regclass`,
    );
    const parameters = await bed.sql<{ name: string }>(
      "select distinct unnest(proargnames) as name from pg_proc where proname like 'tickwork\\_%' and proargnames is not null",
    );
    const wanted = new Set([...ofOurs(), ...parameters.map(({ name }) => name)]);
    for (const { name } of known) wanted.delete(name);
    const names = [...wanted];
    expect(names).toEqual(expect.arrayContaining(["leased", "moment", "made_at", "head_due", "bytes"]));
    const columns = (how: (name: string) => string) =>
      bed.sql(`alter table "baasix_Tasks" ${names.map((name) => how(`"${name}"`)).join(", ")}`);
    await columns((name) => `add column ${name} text default 'of their own'`);
    try {
      const [note, short] = [noting("note"), noting("short")];
      const { tasks, operator, worker, schedules, insight } = bed.make({
        doorbell: noteRings(),
        definitions: [note.definition, { ...short.definition, batch: { size: 10, settleWithinMs: 1 } }],
      });
      await operator.putLimit({ queue: "mail" }, { concurrency: 1 });
      await tasks.create([
        ...Array.from({ length: 25 }, () => ({ type: "short" })),
        ...["a/1", "a/2", "b/1"].map((concurrency_key) => ({ type: "note", concurrency_key })),
        { type: "note", queue: "mail", priority: 3 },
        { type: "note" },
      ]);
      const unique = { type: "note", unique_key: "one", on_conflict: "replace" } as const;
      for (const outcome of ["created", "replaced"])
        expect((await tasks.create([unique]))[0]).toMatchObject({ unique_outcome: outcome });
      await worker.refresh();
      await worker.tick();
      const left = await bed.sql(
        `select type, error_data from "baasix_Tasks" where task_status <> 'Completed'`,
      );
      expect(left).toEqual([]);
      expect(await bed.sql(`select from "baasix_Tasks" where attempts <> 1 or crashes <> 0`)).toEqual([]);

      const [later] = await tasks.create([{ type: "note", scheduled_time: "2100-01-01T00:00:00Z" }]);
      const id = later?.id ?? 0;
      await tasks.update(id, { priority: 3, scheduled_time: "2100-01-02T00:00:00Z" });
      expect(await tasks.get(id)).toMatchObject({ priority: 3 });
      const found = async (filter: TaskFilter, sort: TaskSort = "-created") =>
        (await tasks.page({ limit: 50, sort, ...filter })).tasks.map((task) => task.id);
      for (const sort of ["-created", "created", "due"] as const)
        expect(await found({ status: "Not started" }, sort)).toEqual([id]);
      expect(await found({ status: "Completed" }, "finished")).toHaveLength(31);
      expect(await found({ type: "note", text: "nowhere" })).toEqual([]);
      expect(await found({ queue: "mail", created_from: "2020-01-01T00:00:00Z" })).toHaveLength(1);
      expect(await found({ waiting_for_code: true })).toEqual([]);
      expect(await tasks.cancel(id)).toMatchObject({ task_status: "Error" });
      expect(await found({ dead: true })).toEqual([]);
      expect(await tasks.retry(id)).toMatchObject({ task_status: "Not started" });
      await worker.tick();
      await tasks.remove(id);

      await schedules.put("nightly", { cron: ON_LEAP_DAYS, type: "note" });
      await schedules.run("nightly");
      await worker.refresh();
      await worker.tick();
      expect(await schedules.get("nightly")).toMatchObject({ last: { task_status: "Completed" } });
      await operator.pause({ type: "note" });
      await operator.resume({ type: "note" });

      const overview = await insight.getOverview({ minutes: 60 });
      expect(overview.finished.buckets.reduce((sum, { completed }) => sum + completed, 0)).toBe(32);
      expect((await insight.getTypes({ limit: 10 })).map(({ type }) => type)).toContain("note");
      expect(await insight.getType("note")).toMatchObject({ waiting: 0 });
      const { id: bulk } = await operator.bulk({ action: "delete", filter: { type: "note" } });
      await worker.refresh();
      await worker.tick();
      expect((await tasks.get(bulk)).result_data).toMatchObject({ changed: 7 });
      expect(await operator.getCacheStats()).toMatchObject({ cachedTasksCount: 0 });
      await operator.resetStuck();
    } finally {
      await columns((name) => `drop column ${name}`);
    }
  });
});
