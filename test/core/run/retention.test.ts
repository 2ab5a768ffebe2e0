import { expect, test } from "vitest";
import { defineTask, lazyTask, silent, systemClock } from "#core";
import { DELETE_BATCH, RETENTION_LIMIT_MS } from "../../../packages/core/limits.ts";
import { runRetention } from "../../../packages/core/run/retention.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noteLog } from "../../support/run/noted-log.ts";

describeOnStacks("the retention by type", (bed) => {
  const run = async () => {};
  /** Tasks of a type that finished so many days ago. */
  const insert = async (type: string, status: string, days: number, count = 1) => {
    await bed.sql(
      `insert into "baasix_Tasks" (type, task_status) select $1, '${status}' from generate_series(1, ${count})`,
      [type],
    );
    await bed.sql(
      `update "baasix_Tasks" set finished_at = now() - ${days} * interval '1 day' where finished_at > now() - interval '1 hour'`,
    );
  };
  const left = async () => {
    const rows = await bed.sql<{ told: string }>(
      `select concat_ws(' ', type, task_status, round(extract(epoch from now() - finished_at) / 86400)) as told
        from "baasix_Tasks" where task_status <> 'Running' order by 1`,
    );
    return rows.map(({ told }) => told);
  };
  const fill = async () => {
    for (const type of ["brief", "long", "kept", "errors", "plain", "unknown"])
      for (const status of ["Completed", "Error"])
        for (const days of [2, 20, 200]) await insert(type, status, days);
    await bed.sql(
      `insert into "baasix_Tasks" (type, scheduled_time) values ('brief', now() + interval '1 day')`,
    );
  };
  const definitions = [
    defineTask({ type: "brief", retentionDays: 1, run }),
    defineTask({ type: "long", retentionDays: 100, run }),
    lazyTask({ type: "kept", retentionDays: null, load: async () => defineTask({ type: "kept", run }) }),
    defineTask({ type: "errors", errorRetentionDays: 100, run }),
    defineTask({ type: "plain", run }),
  ];
  const of = (type: string, completed: number[], failed: number[]) => [
    ...completed.map((days) => `${type} Completed ${days}`),
    ...failed.map((days) => `${type} Error ${days}`),
  ];

  test("a refresh that is asked for deletes nothing", async () => {
    const { operator, worker } = bed.make({ doorbell: noteRings(), definitions });
    await insert("brief", "Completed", 2);
    await operator.forceRefresh();
    expect(await left()).toEqual(of("brief", [2], []));
    await worker.refresh();
    expect(await left()).toEqual([]);
  });

  test("what a type says goes before the setting, and the others follow the setting", async () => {
    const { worker } = bed.make({ doorbell: noteRings(), definitions, env: { TASK_RETENTION_DAYS: "10" } });
    await fill();
    await worker.refresh();
    expect(await left()).toEqual([
      "brief Not started",
      ...of("errors", [2], [2, 20]),
      ...of("kept", [2, 20, 200], [2, 20, 200]),
      ...of("long", [2, 20], [2, 20]),
      ...of("plain", [2], [2]),
      ...of("unknown", [2], [2]),
    ]);
  });

  test("without the setting, only what a type says counts", async () => {
    const { worker } = bed.make({ doorbell: noteRings(), definitions });
    await fill();
    await worker.refresh();
    expect(await left()).toEqual([
      "brief Not started",
      ...of("errors", [2, 20, 200], [2, 20]),
      ...of("kept", [2, 20, 200], [2, 20, 200]),
      ...of("long", [2, 20], [2, 20]),
      ...of("plain", [2, 20, 200], [2, 20, 200]),
      ...of("unknown", [2, 20, 200], [2, 20, 200]),
    ]);
  });

  test("it catches up in one refresh, and a task that was retried lately keeps no other", async () => {
    const { worker } = bed.make({ doorbell: noteRings(), definitions });
    await insert("brief", "Completed", 0.5);
    await insert("brief", "Completed", 2, DELETE_BATCH + 5);
    await worker.refresh();
    expect(await left()).toEqual(["brief Completed 1"]);
  });

  test.each([0, -1, 36_501, Number.NaN])("%d days are refused", (retentionDays) => {
    const definition = defineTask({ type: "brief", retentionDays, run });
    expect(() => bed.make({ doorbell: noteRings(), definitions: [definition] })).toThrow(
      `Task type "brief": retentionDays must be a number from 1 to 36500, or null, got ${retentionDays}.`,
    );
  });
});

describeOnStacks("the retention of finished tasks", (bed) => {
  const insert = async (status: string, days: number, count = 1) => {
    await bed.sql(
      `insert into "baasix_Tasks" (type, task_status) select 'note', '${status}' from generate_series(1, ${count})`,
    );
    await bed.sql(
      `update "baasix_Tasks" set finished_at = now() - ${days} * interval '1 day' where finished_at > now() - interval '1 hour'`,
    );
  };
  const left = async () => {
    const rows = await bed.sql<{ status: string; days: string }>(
      `select task_status as status, round(extract(epoch from now() - finished_at) / 86400) as days from "baasix_Tasks" order by id`,
    );
    return rows.map(({ status, days }) => `${status} ${days}`);
  };

  test("a refresh deletes those that are old enough, each status by its own age, and nothing else", async () => {
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [{ type: "note", run: async () => {} }],
      env: { TASK_RETENTION_DAYS: "7", TASK_ERROR_RETENTION_DAYS: "30" },
    });
    for (const status of ["Completed", "Error"])
      for (const days of [6, 8, 29, 31]) await insert(status, days);
    await tasks.create([{ type: "note", scheduled_time: new Date(Date.now() + 60_000).toISOString() }]);
    expect(await worker.refresh()).toMatchObject({ waiting: 1 });
    expect(await left()).toEqual(["Completed 6", "Error 6", "Error 8", "Error 29", "Not started null"]);
  });

  test("it catches up in one refresh, however many batches that takes", async () => {
    const { worker } = bed.make({ doorbell: noteRings(), env: { TASK_RETENTION_DAYS: "1" } });
    await insert("Completed", 2, 2 * DELETE_BATCH + 5);
    await insert("Error", 2, 5);
    await worker.refresh();
    expect(await left()).toEqual([]);
  });

  test("without the setting, whatever is old stays, and a refresh costs what it did; with it, a look at each status", async () => {
    await insert("Completed", 10_000);
    const none = bed.make({ doorbell: noteRings() });
    await none.worker.refresh();
    bed.counts.reset();
    await none.worker.refresh();
    const { postgres } = bed.counts;
    expect(await left()).toHaveLength(1);
    const some = bed.make({ doorbell: noteRings(), env: { TASK_RETENTION_DAYS: "20000" } });
    bed.counts.reset();
    await some.worker.refresh();
    expect(bed.counts.postgres).toBe(postgres + 2);
    expect(await left()).toHaveLength(1);
  });

  test("a refresh that leaves Postgres asleep leaves old tasks, too; the next one that reads it deletes them", async () => {
    const { worker } = bed.make({
      doorbell: noteRings(),
      env: { TASK_RETENTION_DAYS: "7", TASK_MAX_UNSEEN_TIME: "14400" },
    });
    await worker.refresh();
    await insert("Completed", 8);
    bed.counts.reset();
    expect(await worker.refresh()).toMatchObject({ readPostgres: false });
    expect(bed.counts.postgres).toBe(0);
    expect(await left()).toEqual(["Completed 8"]);
    expect(await worker.refresh({ readPostgres: true })).toMatchObject({ readPostgres: true });
    expect(await left()).toEqual([]);
  });

  test("tasks that finished before Tickwork came leave as well", async () => {
    const { worker } = bed.make({ doorbell: noteRings(), env: { TASK_RETENTION_DAYS: "7" } });
    await insert("Completed", 1, 2);
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    await bed.sql(
      `update "baasix_Tasks" set finished_at = null, "updatedAt" = now() - id * interval '5 days'`,
    );
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
    await worker.refresh();
    expect(await bed.sql(`select id from "baasix_Tasks"`)).toEqual([{ id: "1" }]);
  });

  test("a task that another table refers to stays; the refresh succeeds, and the log says why", async () => {
    const { log, lines } = noteLog();
    const { worker } = bed.make({ doorbell: noteRings(), log, env: { TASK_RETENTION_DAYS: "7" } });
    await insert("Completed", 8);
    await bed.sql(`create table reports (task_id bigint references "baasix_Tasks" (id))`);
    try {
      await bed.sql(`insert into reports select id from "baasix_Tasks"`);
      await worker.refresh();
      expect(await left()).toEqual(["Completed 8"]);
      expect(lines).toContainEqual(
        expect.objectContaining({
          message: "old tasks could not be deleted; the next refresh that reads Postgres tries again",
          error: expect.stringContaining("reports"),
        }),
      );
    } finally {
      await bed.sql(`drop table reports`);
    }
  });
});

const NO_TYPES = { deleteFinishedByType: async () => expect.fail("no type says anything") };

test("a refresh stops to delete when the time is up, and begins no batch after that", async () => {
  let nowMs = 0;
  const clock = { ...systemClock, now: () => nowMs };
  let batches = 0;
  const store = {
    deleteFinished: async () => {
      batches++;
      nowMs += RETENTION_LIMIT_MS / 3;
      return DELETE_BATCH;
    },
    ...NO_TYPES,
  };
  const settings = { retentionDays: 1, errorRetentionDays: 1 };
  expect(
    await runRetention(
      { store, registry: { retention: new Map() }, clock, log: silent, drain: new AbortController().signal },
      settings,
    ),
  ).toBe(3 * DELETE_BATCH);
  expect(batches).toBe(3);
});

test("what fails for one status does not keep the other, and a process that has to stop deletes no more", async () => {
  const stopping = new AbortController();
  const asked: string[] = [];
  const store = {
    deleteFinished: async (status: string) => {
      asked.push(status);
      if (status === "Completed") throw new Error("a report refers to one");
      stopping.abort();
      return DELETE_BATCH;
    },
    ...NO_TYPES,
  };
  const settings = { retentionDays: 1, errorRetentionDays: 1 };
  await runRetention(
    { store, registry: { retention: new Map() }, clock: systemClock, log: silent, drain: stopping.signal },
    settings,
  );
  expect(asked).toEqual(["Completed", "Error"]);
});
