import { expect, test } from "vitest";
import { eventually } from "../../support/bed/bed.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { gated, noting } from "../../support/bed/tasks.ts";

const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

describeOnStacks("a task that started late says why,", (bed) => {
  const make = () => {
    const { starts, definition } = gated();
    return {
      starts,
      ...bed.make({ doorbell: noteRings(), definitions: [noting().definition, definition] }),
    };
  };
  /** A task that was made and due so long ago. */
  const overdue = (seconds: number, type = "note") =>
    bed.sql(`insert into "baasix_Tasks" (type, scheduled_time, "createdAt") values ($1, $2, $2)`, [
      type,
      secondsAgo(seconds),
    ]);
  const latenessOf = async (id: number) => {
    const [row] = await bed.sql<{ lateness: string | null }>(
      `select lateness from "baasix_Tasks" where id = $1`,
      [String(id)],
    );
    return row?.lateness ? (JSON.parse(row.lateness) as { ms: number; reason: string; task?: number }) : null;
  };

  test("not when it started in time, nor when it was made with a time in the past", async () => {
    const { tasks, worker } = make();
    await tasks.create([{ type: "note" }, { type: "note", scheduled_time: "2020-01-01T00:00:00Z" }]);
    await worker.tick();
    expect(await latenessOf(1)).toBeNull();
    expect(await latenessOf(2)).toBeNull();
    expect(await tasks.get(1)).toMatchObject({
      lateness: null,
      started_at: expect.any(String),
      finished_at: expect.any(String),
    });
  });

  test("another task held the flag, and which", async () => {
    const { tasks, worker, starts } = make();
    await worker.refresh();
    await tasks.create([{ type: "gated" }]);
    const ticking = worker.tick();
    const first = await eventually(() => starts[0]);
    await tasks.create([{ type: "note" }]);
    // As if it had been made and due some seconds before the first one ends.
    await bed.sql(
      `update "baasix_Tasks" set "createdAt" = now() - interval '5 seconds', scheduled_time = now() - interval '5 seconds' where id = 2`,
    );
    first.finish();
    await ticking;
    expect(await latenessOf(2)).toEqual({
      ms: expect.toSatisfy((ms: number) => ms >= 5_000),
      reason: "flag_held",
      task: 1,
    });
  });

  test("the worker of an earlier attempt died", async () => {
    const { worker } = make();
    await overdue(30);
    await bed.sql(
      `update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'dead', lease_expires_at = now() - interval '1 second', started_at = now() - interval '20 seconds' where id = 1`,
    );
    await worker.refresh();
    await worker.tick({ by: "refresh" });
    expect(await latenessOf(1)).toMatchObject({ reason: "crash" });
  });

  test("the cache did not know of it", async () => {
    const { worker } = make();
    await overdue(10);
    await worker.tick();
    expect(await latenessOf(1)).toMatchObject({ reason: "cache_miss" });
  });

  test("a refresh found it, so nobody had woken for it; a held flag brought the tick; the doorbell is only so precise", async () => {
    const { worker } = make();
    for (const [seconds, by, reason] of [
      [40, "refresh", "worker_down"],
      [40, "held", "flag_held"],
      [40, undefined, "wake_up"],
      [400, undefined, "worker_down"],
    ] as const) {
      await overdue(seconds);
      await worker.refresh();
      await worker.tick(by ? { by } : {});
      const [row] = await bed.sql<{ id: string }>(`select max(id) as id from "baasix_Tasks"`);
      expect(await latenessOf(Number(row?.id)), `${seconds} s late, rung by ${by}`).toMatchObject({ reason });
    }
  });
});
