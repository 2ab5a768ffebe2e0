import { expect, test } from "vitest";
import { WINDOW_LIMIT_BYTES } from "../../../packages/core/limits.ts";
import { createStore } from "../../../packages/core/store/store.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting } from "../../support/bed/tasks.ts";

describeOnStacks("the window as a refresh reads it", (bed) => {
  const make = () => {
    const { definition } = noting();
    const tickwork = bed.make({ doorbell: noteRings(), definitions: [definition] });
    const types = { ours: ["note"], foreign: [] };
    const deps = {
      database: tickwork.database,
      leaseMs: 1_000,
      slots: 1,
      maxCrashes: 3,
      cacheLimit: 10_000,
      types,
    };
    return { ...tickwork, store: createStore(deps) };
  };
  const waitingIn = (minutes: number, count: number, columns: string) =>
    bed.sql(`insert into "baasix_Tasks" (task_status, type, scheduled_time, ${columns.split("=")[0]})
      select 'Not started', 'note', now() + interval '${minutes} minutes' + n * interval '1 millisecond', ${columns.split("=")[1]}
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
