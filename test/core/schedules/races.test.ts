/** Schedules on real wires: whoever makes an occurrence, it is there once. */
import { expect, test } from "vitest";
import { defineSchedule, defineTask } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting, ON_LEAP_DAYS } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

describeOnStacks("schedules", (bed) => {
  const make = (more: Partial<Parameters<typeof bed.make>[0]> = {}) =>
    bed.make({ doorbell: noteRings(), definitions: [noting().definition], ...more });
  const rows = () =>
    bed.sql<{ n: string; times: string }>(
      `select count(*) as n, count(distinct (schedule, schedule_time)) as times from "baasix_Tasks"`,
    );

  test("refreshes that race make each occurrence once", async () => {
    const one = make();
    const others = [make(), make(), make()];
    for (let n = 0; n < 20; n++) await one.schedules.put(`s${n}`, { every_seconds: 60 + n, type: "note" });
    await bed.sql(`delete from "baasix_Tasks"`);
    await bed.sql(`update tickwork_schedules set more_time = null, next_time = now() + interval '1 second'`);
    await Promise.all([one, ...others].map(({ worker }) => worker.refresh()));
    const [counted] = await rows();
    expect(counted?.n).toBe(counted?.times);
    expect(Number(counted?.n)).toBeGreaterThanOrEqual(20 * 50);
  });

  test("a refresh that dies after it made them loses none: the next one has them in the cache", async () => {
    const one = make({ dies: true });
    await bed.sql(`insert into tickwork_schedules
      (name, source, every_seconds, time_zone, type, catch_up, overlap, paused, next_time)
      values ('one', 'api', 1800, 'UTC', 'note', 'last', 'allow', false,
        to_timestamp(ceil(extract(epoch from now()) / 1800) * 1800))`);
    bed.faults.redis = (command) => {
      if (/REFRESH|PUT|EVALSHA/i.test(String(command[0])) && made) throw new Error("the process died");
    };
    let made = false;
    bed.faults.postgres = (text) => {
      if (text.includes('insert into "baasix_Tasks"')) made = true;
    };
    await one.worker.refresh().catch(() => {});
    expect(made).toBe(true);
    bed.faults.redis = () => {};
    bed.faults.postgres = () => {};
    const another = make();
    await another.worker.refresh();
    const waiting = await another.operator.getNotStartedTasks();
    const [counted] = await rows();
    expect(Number(counted?.n)).toBeGreaterThanOrEqual(7);
    expect(waiting).toHaveLength(Number(counted?.n));
  });

  test("an edit that races a refresh leaves only what it said", async () => {
    const { schedules, worker } = make();
    const other = make();
    await schedules.put("one", { every_seconds: 600, type: "note", task_data: 0 });
    for (let n = 1; n <= 10; n++) {
      await bed.sql(`delete from "baasix_Tasks"`);
      await bed.sql(
        `update tickwork_schedules set next_time = to_timestamp(ceil(extract(epoch from now()) / 600) * 600)`,
      );
      await Promise.all([
        schedules.put("one", { every_seconds: 700, type: "note", task_data: n }),
        worker.refresh(),
        other.worker.refresh(),
      ]);
      const left = await bed.sql<{ data: string; odd: string }>(
        `select distinct task_data::text as data, (extract(epoch from schedule_time)::bigint % 700)::text as odd from "baasix_Tasks"`,
      );
      expect(left).toEqual([{ data: String(n), odd: "0" }]);
    }
  });

  test("a change removes what was being made when it began", async () => {
    const { schedules } = make();
    await schedules.put("one", { cron: ON_LEAP_DAYS, type: "note" });
    let made = false;
    const making = bed
      .sql(`with held as materialized (select name from tickwork_schedules for update),
        waited as materialized (select name, pg_sleep(0.5) from held)
      insert into "baasix_Tasks" (type, task_status, schedule, schedule_time, scheduled_time, "createdAt")
      select 'note', 'Not started', name, now() + interval '1 hour', now() + interval '1 hour', now() from waited`)
      .then(() => {
        made = true;
      });
    // Where the only connection is busy, it is made by then.
    await eventually(
      async () =>
        (await bed.sql("select from tickwork_schedules for update skip locked")).length === 0 || made,
    );
    await schedules.put("one", { cron: "0 4 29 2 *", type: "note" });
    await making;
    expect(await bed.sql(`select id from "baasix_Tasks"`)).toEqual([]);
  });

  test("one that was claimed when its schedule was deleted does not run, and one that had begun is run again", async () => {
    const { worker, tasks } = make();
    const made = await bed.sql<{
      id: string;
    }>(`insert into "baasix_Tasks" (type, attempts, max_attempts, scheduled_time, schedule, schedule_time)
      select 'note', n, 5, now(), 'deleted', now() + n * interval '1 second' from generate_series(0, 1) n returning id`);
    await worker.refresh();
    await worker.tick();
    const [first, again] = await Promise.all(made.map(({ id }) => tasks.get(Number(id))));
    expect(first).toMatchObject({ task_status: "Completed", result_data: { skipped: "deleted" } });
    expect(again?.result_data).not.toHaveProperty("skipped");
    expect(again).toMatchObject({ task_status: "Completed", attempts: 2 });
  });

  test("without a schedule a refresh is one request, with 10,000 that are due one statement more", async () => {
    const { worker, schedules } = make({ env: { TASK_CACHE_LIMIT: "20000" } });
    await worker.refresh();
    bed.counts.reset();
    await worker.refresh();
    expect(bed.counts.postgres).toBe(1);
    await schedules.put("s0", { cron: ON_LEAP_DAYS, type: "note" });
    await bed.sql(`delete from "baasix_Tasks"`);
    await bed.sql(`insert into tickwork_schedules
      (name, source, cron, time_zone, type, catch_up, overlap, paused, next_time)
      select 's' || n, source, cron, time_zone, type, catch_up, overlap, paused, next_time
      from tickwork_schedules, generate_series(1, 9999) n`);
    await bed.sql(`update tickwork_schedules set next_time = date_trunc('hour', now()) + interval '1 hour'`);
    bed.counts.reset();
    await worker.refresh();
    expect(bed.counts.postgres).toBe(2);
    expect((await rows())[0]?.n).toBe("10000");
  }, 60_000);

  test("what is no occurrence asks no schedule", async () => {
    const { tasks, schedules, worker } = make();
    await schedules.put("one", { cron: ON_LEAP_DAYS, type: "note" });
    await worker.refresh();
    await tasks.create([{ type: "note" }]);
    bed.counts.reset();
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(bed.counts.postgres).toBeLessThanOrEqual(3);
  });

  test("a deployment removes what it declares no more, and leaves what others declare or made", async () => {
    const { definition } = noting();
    const other = defineTask({ type: "other", run: async () => {} });
    const named = (name: string, type: "note" | "other") => defineSchedule({ name, cron: "0 * * * *", type });
    const names = async () => (await newer.schedules.list({ limit: 10 })).schedules.map(({ name }) => name);
    const older = make({ schedules: [named("a", "note"), named("b", "note")] });
    await older.worker.refresh();
    await make({ definitions: [other], schedules: [named("c", "other")] }).worker.refresh();
    await older.schedules.put("d", { every_seconds: 60, type: "note" });
    const newer = make({ schedules: [named("b", "note")] });
    await newer.worker.refresh();
    expect(await names()).toEqual(["b", "c", "d"]);
    // A process of the older deployment that still runs undoes nothing.
    await older.worker.refresh();
    expect(await names()).toEqual(["b", "c", "d"]);
    expect(definition.type).toBe("note");
  });
});
