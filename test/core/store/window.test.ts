import { expect, test } from "vitest";
import { WINDOW_LIMIT_BYTES } from "../../../packages/core/limits.ts";
import { createStore } from "../../../packages/core/store/store.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting } from "../../support/bed/tasks.ts";

describeOnStacks("the window as a refresh reads it", (bed) => {
  const make = ({ cacheLimit = 10_000, foreign = [] }: { cacheLimit?: number; foreign?: string[] } = {}) => {
    const { definition } = noting();
    const tickwork = bed.make({ doorbell: noteRings(), definitions: [definition] });
    const types = { ours: ["note"], foreign };
    const deps = {
      database: tickwork.database,
      leaseMs: 1_000,
      slots: 1,
      maxCrashes: 3,
      cacheLimit,
      types,
    };
    return { ...tickwork, store: createStore(deps) };
  };
  const waitingIn = (minutes: number, count: number, columns: string, type = "note") =>
    bed.sql(`insert into "baasix_Tasks" (task_status, type, scheduled_time, ${columns.split("=")[0]})
      select 'Not started', '${type}', now() + interval '${minutes} minutes' + n * interval '1 millisecond', ${columns.split("=")[1]}
      from generate_series(1, ${count}) n`);

  test("leaves out rows that are large, whatever makes them so", async () => {
    const { store } = make();
    await waitingIn(1, 1, `task_data=to_json(repeat('d', 5000))`);
    await waitingIn(2, 1, `error_data=json_build_object('stack', repeat('s', 9000))`);
    await waitingIn(
      3,
      1,
      `history=(select jsonb_agg(jsonb_build_object('message', repeat('h', 500))) from generate_series(1, 20))`,
    );
    await waitingIn(4, 1, `error_data=json_build_object('stack', repeat('s', 4000))`);
    const { writes } = await store.window();
    expect(writes.map((write) => [write.id, "task" in write && write.task !== undefined])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, true],
    ]);
  });

  test("of many rows carries as many as one answer may have, the earliest, and the times of all", async () => {
    const { store } = make();
    const bytes = 7_000;
    const count = Math.ceil(WINDOW_LIMIT_BYTES / bytes) + 500;
    await waitingIn(1, count, `error_data=json_build_object('stack', repeat('s', ${bytes}))`);
    const { writes } = await store.window();
    expect(writes).toHaveLength(count);
    const rows = writes.map((write) =>
      "task" in write && write.task ? JSON.stringify(write.task).length : 0,
    );
    const carried = rows.filter(Boolean).length;
    expect(carried).toBeGreaterThan(1_500);
    expect(carried).toBeLessThan(count);
    expect(rows.slice(0, carried).every(Boolean)).toBe(true);
    expect(rows.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(WINDOW_LIMIT_BYTES);
  });

  test("has a limit for what a tick may start, and another for what is left to others", async () => {
    const { store } = make({ cacheLimit: 3, foreign: ["email_batch"] });
    await bed.sql(`insert into "baasix_Tasks" (task_status, type, scheduled_time)
      select 'Not started', type, now() - minutes * interval '1 minute' from (values
        ('email_batch', 60), ('email_batch', 59), ('unknown', 58), ('unknown', 57), ('unknown', 1),
        ('note', 50), ('note', 0), ('note', -60), ('note', -61)) as given(type, minutes)`);
    const { writes, cutAtMs, waitingForCode } = await store.window();
    const ids = (kind: string) => writes.filter((write) => write.kind === kind).map(({ id }) => id);
    // One of another deployment may have the code of what has been due for a minute.
    expect(ids("waiting")).toEqual([6, 5, 7]);
    expect(ids("foreign")).toEqual([1, 2, 3]);
    const [{ due_ms } = { due_ms: "" }] = await bed.sql<{ due_ms: string }>(
      `select ceil(extract(epoch from scheduled_time) * 1000)::float8 as due_ms from "baasix_Tasks" where id = 8`,
    );
    expect(cutAtMs).toBe(Number(due_ms));
    expect(waitingForCode).toEqual(new Map([["unknown", 2]]));
  });

  test("is whole, however many tasks are left to others", async () => {
    const { store } = make({ cacheLimit: 3 });
    await waitingIn(-60, 20, "error_data=null", "unknown");
    await waitingIn(-1, 2, "error_data=null");
    const { writes, cutAtMs } = await store.window();
    expect(writes.filter(({ kind }) => kind === "waiting").map(({ id }) => id)).toEqual([21, 22]);
    expect(writes.filter(({ kind }) => kind === "foreign")).toHaveLength(3);
    expect(cutAtMs).toBe(undefined);
  });

  test("is listed whole all the same", async () => {
    const { operator, worker } = make();
    await waitingIn(1, 3, `error_data=json_build_object('stack', repeat('s', 9000))`);
    await worker.refresh();
    const found = await operator.getNotStartedTasks();
    expect(found.map(({ error_data }) => (error_data as { stack: string }).stack.length)).toEqual([
      9000, 9000, 9000,
    ]);
  });
});
