/** Operations on many tasks: what they do to each, what they leave alone, and that nothing is done twice. */
import { describe, expect, test } from "vitest";
import type { BulkRequest, Task } from "#core";
import { BULK_BATCH } from "../../../packages/core/limits.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { inMs } from "../../support/bed/look.ts";
import { connectBeside } from "../../support/bed/second-connection.ts";
import { gated, noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

describeOnStacks("bulk operations", (bed) => {
  const make = (options: Parameters<typeof bed.make>[0] = {}) => {
    const [note, slow] = [noting(), gated("slow")];
    return {
      note,
      slow,
      ...bed.make({ doorbell: noteRings(), definitions: [note.definition, slow.definition], ...options }),
    };
  };
  /** Rows of a type that nothing here runs, an hour away from their time. */
  const fill = (count: number, status: string, columns: Record<string, string> = {}) =>
    bed.sql(
      `insert into "baasix_Tasks" (type, task_status, scheduled_time, attempts ${Object.keys(columns)
        .map((name) => `, ${name}`)
        .join("")})
        select 'other', $2, now() + interval '1 hour', 1 ${Object.values(columns)
          .map((value) => `, ${value}`)
          .join("")}
        from generate_series(1, $1::int) n`,
      [count, status],
    );
  const count = async (condition: string) => {
    const [row] = await bed.sql<{ count: string }>(
      `select count(*) as count from "baasix_Tasks" where ${condition}`,
    );
    return Number(row?.count);
  };
  /** Asks for it, and runs it. */
  const run = async (tickwork: ReturnType<typeof make>, request: BulkRequest): Promise<Task> => {
    const { id } = await tickwork.operator.bulk(request, { userId: "ada" });
    await tickwork.worker.tick();
    return tickwork.tasks.get(id);
  };
  /** Statements that took a batch. */
  const isStep = (text: string) => text.includes("update tickwork_bulk");
  const idsIn = async ({ operator }: ReturnType<typeof make>) =>
    (await operator.getNotStartedTasks()).map(({ id }) => id).sort((one, other) => one - other);

  test("a retry takes a statement for each thousand, and what is due soon enters the cache", async () => {
    const tickwork = make();
    await tickwork.worker.refresh();
    await fill(2 * BULK_BATCH + 500, "Error");
    let steps = 0;
    bed.faults.postgres = (text) => {
      if (isStep(text)) steps++;
    };
    const task = await run(tickwork, { action: "retry", filter: { type: "other" } });
    expect(task).toMatchObject({
      task_status: "Completed",
      progress: 1,
      result_data: { action: "retry", matched: 2_500, changed: 2_500, skipped: 0 },
    });
    expect(steps).toBe(3);
    expect(
      await count(
        `task_status = 'Not started' and excused = 1 and error_data is null and "userUpdated_Id" = 'ada'`,
      ),
    ).toBe(2_500);
    expect((await tickwork.operator.getCacheStats()).cachedTasksCount).toBe(2_500);
  });

  test.each<[what: string, request: () => BulkRequest, left: number[]]>([
    ["deleted", () => ({ action: "delete", filter: { type: "other" } }), [4]],
    ["cancelled", () => ({ action: "cancel", filter: { type: "other" } }), [4]],
    [
      "due tomorrow",
      () => ({ action: "reschedule", filter: { type: "other" }, scheduled_time: inMs(86_400_000) }),
      [4],
    ],
    [
      "due in half an hour",
      () => ({ action: "reschedule", filter: { type: "note" }, scheduled_time: inMs(1_800_000) }),
      [1, 2, 3, 4],
    ],
  ])("the cache knows what is %s", async (_, request, left) => {
    const tickwork = make();
    await fill(3, "Not started");
    await tickwork.tasks.create([{ type: "note", scheduled_time: inMs(3_600_000) }]);
    await tickwork.operator.forceRefresh();
    expect(await idsIn(tickwork)).toEqual([1, 2, 3, 4]);
    await run(tickwork, request());
    // It is Redis that is asked, and nothing has refreshed it since.
    expect(await idsIn(tickwork)).toEqual(left);
  });

  // The embedded Postgres has one connection.
  test.skipIf(bed.kind === "embedded")(
    "a task that starts while a cancel waits for its row is asked to stop",
    async () => {
      const tickwork = make();
      await tickwork.tasks.create([{ type: "note", scheduled_time: new Date(Date.now() + 3_600_000) }]);
      const claim = await connectBeside(bed);
      try {
        await claim.query("begin");
        await claim.query(`update "baasix_Tasks" set task_status = 'Running', slot = 5, lease_token = 'x', attempts = 1,
        lease_expires_at = now() + interval '1 minute' where id = 1`);
        const cancelling = run(tickwork, { action: "cancel", filter: { type: "note" } });
        await eventually(
          async () =>
            (
              await claim.query(
                "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
              )
            ).rowCount,
        );
        await claim.query("commit");
        expect((await cancelling).result_data).toMatchObject({ matched: 1, changed: 1 });
        expect(await tickwork.tasks.get(1)).toMatchObject({ task_status: "Running", cancel_requested: true });
      } finally {
        await claim.end();
      }
    },
  );

  test("a running task is asked to stop by a cancel, and left alone by all others", async () => {
    const tickwork = make({ env: { TASK_CONCURRENCY: "2" } });
    const { tasks, worker, slow, operator } = tickwork;
    const [running] = await tasks.create([{ type: "slow" }]);
    const ticking = worker.tick();
    await eventually(() => slow.starts.length === 1);
    for (const action of ["retry", "delete", "reschedule"] as const) {
      const scheduled_time = action === "reschedule" ? new Date() : undefined;
      const { result_data } = await run(tickwork, { action, filter: { type: "slow" }, scheduled_time });
      expect(result_data).toMatchObject({ matched: 0 });
    }
    expect(await tasks.get(running?.id ?? 0)).toMatchObject({
      task_status: "Running",
      cancel_requested: false,
    });
    const { result_data } = await run(tickwork, { action: "cancel", filter: { type: "slow" } });
    expect(result_data).toMatchObject({ matched: 1, changed: 1 });
    expect(await tasks.get(running?.id ?? 0)).toMatchObject({
      task_status: "Running",
      cancel_requested: true,
    });
    expect(await operator.countBulk({ action: "cancel", filter: {} })).toEqual({ count: 1, exact: true });
    slow.starts[0]?.finish();
    await ticking;
  });

  test("what is completed runs again only where it is named, and unfinished tasks need no confirmation", async () => {
    const tickwork = make();
    await fill(2, "Completed");
    expect((await run(tickwork, { action: "retry", filter: { type: "other" } })).result_data).toMatchObject({
      matched: 0,
    });
    const request: BulkRequest = { action: "retry", filter: { type: "other", status: "Completed" } };
    expect((await run(tickwork, request)).result_data).toMatchObject({ changed: 2 });
  });

  test("it takes what was there when it was asked for: no new task, and none that fails once more", async () => {
    const tickwork = make();
    await fill(1, "Not started");
    await fill(BULK_BATCH + 5, "Error");
    let steps = 0;
    bed.faults.postgresAnswer = async (text) => {
      if (!isStep(text) || steps++ > 0) return;
      delete bed.faults.postgresAnswer;
      // One that it has retried, one that it had not come to, and a new one.
      await bed.sql(`update "baasix_Tasks" set task_status = 'Error' where id in (1, $1)`, [BULK_BATCH]);
      await fill(1, "Error");
    };
    const task = await run(tickwork, { action: "retry", filter: { type: "other" } });
    expect(task.result_data).toMatchObject({ matched: BULK_BATCH + 5, changed: BULK_BATCH + 5 });
    expect(await count("task_status = 'Error'")).toBe(3);
  });

  test("when the answer of a batch is lost, it goes on after it: none twice, and the cache is told", async () => {
    const tickwork = make();
    await tickwork.worker.refresh();
    await fill(BULK_BATCH + 5, "Error");
    bed.faults.postgresAnswer = (text) => {
      if (!isStep(text)) return;
      delete bed.faults.postgresAnswer;
      throw new Error("the connection is gone");
    };
    const { id } = await run(tickwork, { action: "retry", filter: { type: "other" } });
    expect(await tickwork.tasks.get(id)).toMatchObject({ task_status: "Not started", attempts: 1 });
    expect(await count("type = 'other' and task_status = 'Not started'")).toBe(BULK_BATCH);
    await bed.sql(`update "baasix_Tasks" set scheduled_time = now() where id = $1`, [id]);
    await tickwork.operator.notifyChanged([id]);
    await tickwork.worker.tick();
    const total = BULK_BATCH + 5;
    expect((await tickwork.tasks.get(id)).result_data).toMatchObject({ matched: total, changed: total });
    expect(await count("type = 'other' and task_status = 'Not started' and rev = 2")).toBe(total);
    expect((await tickwork.operator.getCacheStats()).cachedTasksCount).toBe(total);
  });

  describe("when nobody has told of its last batch and none goes on with it, the next refresh reads Postgres", () => {
    type Ended = (tickwork: ReturnType<typeof make>, id: number) => Promise<unknown>;
    test.each<[how: string, end: Ended]>([
      ["it is cancelled", ({ tasks }, id) => tasks.cancel(id)],
      ["it is deleted", ({ tasks }, id) => tasks.remove(id)],
      [
        "its worker died, and it is to stop",
        async ({ operator, worker }, id) => {
          await bed.sql(
            `update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'of the dead', cancel_requested = true,
              lease_expires_at = now() - interval '1 second' where id = $1`,
            [id],
          );
          await operator.notifyChanged([id]);
          await worker.tick();
        },
      ],
    ])("%s", async (_, end) => {
      const tickwork = make({ env: { TASK_MAX_UNSEEN_TIME: "3600" } });
      const { operator, worker } = tickwork;
      await worker.refresh();
      await fill(BULK_BATCH + 5, "Error");
      bed.faults.postgresAnswer = (text) => {
        if (!isStep(text)) return;
        delete bed.faults.postgresAnswer;
        throw new Error("the connection is gone");
      };
      const { id } = await run(tickwork, { action: "retry", filter: { type: "other" } });
      expect(await worker.refresh()).toMatchObject({ readPostgres: false, waiting: 1 });
      await end(tickwork, id);
      expect(await worker.refresh()).toMatchObject({ readPostgres: true });
      expect((await operator.getCacheStats()).cachedTasksCount).toBe(BULK_BATCH);
      expect(await worker.refresh()).toMatchObject({ readPostgres: false });
    });
  });

  test("it stops when it is cancelled, and a retry of it does the rest", async () => {
    const tickwork = make();
    await fill(2 * BULK_BATCH, "Error");
    const { id } = await tickwork.operator.bulk({ action: "retry", filter: { type: "other" } });
    bed.faults.postgresAnswer = async (text) => {
      if (!isStep(text)) return;
      delete bed.faults.postgresAnswer;
      await tickwork.tasks.cancel(id);
    };
    await tickwork.worker.tick();
    expect(await tickwork.tasks.get(id)).toMatchObject({
      task_status: "Error",
      error_data: { code: "cancelled" },
    });
    expect(await count("type = 'other' and task_status = 'Error'")).toBe(BULK_BATCH);
    await tickwork.tasks.retry(id);
    await tickwork.worker.tick();
    expect((await tickwork.tasks.get(id)).result_data).toMatchObject({ changed: 2 * BULK_BATCH });
  });

  test("it changes nothing more once another worker goes on with it", async () => {
    const tickwork = make();
    await fill(2 * BULK_BATCH, "Error");
    const { id } = await tickwork.operator.bulk({ action: "retry", filter: { type: "other" } });
    bed.faults.postgresAnswer = async (text) => {
      if (!isStep(text)) return;
      delete bed.faults.postgresAnswer;
      await bed.sql(`update "baasix_Tasks" set attempts = attempts + 1 where id = $1`, [id]);
    };
    await tickwork.worker.tick();
    expect(await count("type = 'other' and task_status = 'Error'")).toBe(BULK_BATCH);
  });

  test("a cancel meets a task that runs at first and waits again later", async () => {
    const tickwork = make({ env: { TASK_CONCURRENCY: "2" } });
    await fill(BULK_BATCH, "Not started");
    await bed.sql(`insert into "baasix_Tasks" (type, task_status, lease_token, lease_expires_at, attempts)
      values ('other', 'Running', 'a token', now() + interval '1 hour', 1)`);
    bed.faults.postgresAnswer = async (text) => {
      if (!isStep(text)) return;
      delete bed.faults.postgresAnswer;
      await bed.sql(`update "baasix_Tasks" set task_status = 'Not started' where lease_token = 'a token'`);
    };
    const { result_data } = await run(tickwork, { action: "cancel", filter: { type: "other" } });
    expect(result_data).toMatchObject({ matched: BULK_BATCH + 1, changed: BULK_BATCH + 1 });
  });

  test("a retry passes over what cannot have its unique key again", async () => {
    const tickwork = make();
    const unfinished = { unique_for: `'"unfinished"'::jsonb` };
    await fill(2, "Error", { unique_key: "'twice'", ...unfinished });
    await fill(1, "Error", { unique_key: "'taken'", ...unfinished });
    await fill(1, "Not started", { unique_key: "'taken'", ...unfinished });
    await fill(1, "Error");
    const task = await run(tickwork, { action: "retry", filter: { type: "other" } });
    expect(task.result_data).toEqual({ action: "retry", matched: 4, changed: 2, skipped: 2 });
    // The newest has the key.
    expect(await count("unique_key = 'twice' and task_status = 'Not started' and id = 2")).toBe(1);
  });

  test("large tasks come in smaller batches, each at least one", async () => {
    const tickwork = make();
    const large = `(select json_agg(md5(m::text || n)) from generate_series(1, 40000) m)`;
    await fill(3, "Error", { task_data: large });
    let steps = 0;
    bed.faults.postgres = (text) => {
      if (isStep(text)) steps++;
    };
    const task = await run(tickwork, { action: "delete", filter: { type: "other" } });
    expect(task.result_data).toMatchObject({ changed: 3 });
    expect(steps).toBe(3);
  });
});
