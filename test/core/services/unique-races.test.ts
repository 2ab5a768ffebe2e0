/** Unique keys when many ask at once, and in bulk beside a simple model. */
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { NewTask, Task } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

/** Some time in the hours to come: a longest wait of a year bounds none of it. */
const BEGAN_MS = Math.ceil(Date.now() / 1000) * 1000 + 3_600_000;

interface Row {
  n: number;
  key: string | null;
  unfinished: boolean;
  status: "Not started" | "Running" | "Completed";
  started: boolean;
  data: unknown;
  due: number;
}

const hasKey = ({ status, unfinished, started }: Row) =>
  unfinished ? status !== "Completed" : status === "Not started" && !started;

/** Tasks one after the other, as the documents say it. */
class Model {
  readonly rows: Row[] = [];

  create({ unique_key, unique_for, on_conflict, task_data, scheduled_time }: NewTask) {
    const due = Date.parse(scheduled_time as string);
    const holder = unique_key && this.rows.find((row) => row.key === unique_key && hasKey(row));
    if (!holder) {
      const row: Row = {
        ...{ n: this.rows.length, key: unique_key ?? null, unfinished: unique_for === "unfinished" },
        ...{ status: "Not started" as const, started: false, data: task_data, due },
      };
      this.rows.push(row);
      return { row, outcome: unique_key ? "created" : undefined };
    }
    if (on_conflict === "replace" && holder.status === "Not started") {
      Object.assign(holder, { data: task_data, due });
      return { row: holder, outcome: "replaced" };
    }
    if (on_conflict === "postpone" && holder.status === "Not started" && due > holder.due) {
      holder.due = due;
      return { row: holder, outcome: "postponed" };
    }
    return { row: holder, outcome: "kept" };
  }
}

const given: fc.Arbitrary<NewTask> = fc
  .record({
    type: fc.constant("note"),
    task_data: fc.nat(99),
    scheduled_time: fc.nat(5).map((hours) => new Date(BEGAN_MS + hours * 3_600_000).toISOString()),
    unique_key: fc.constantFrom(null, "a", "b", "c"),
    unique_for: fc.constantFrom("waiting" as const, "unfinished" as const),
    on_conflict: fc.constantFrom("keep" as const, "replace" as const, "postpone" as const),
  })
  .map(({ unique_key, unique_for, on_conflict, ...task }) =>
    unique_key === null
      ? task
      : // What bounds a wait has a test of its own.
        {
          ...task,
          unique_key,
          unique_for,
          on_conflict,
          ...(on_conflict === "postpone" ? { longest_wait_seconds: 31_536_000 } : {}),
        },
  );

describeOnStacks("unique keys", (bed) => {
  const make = () => {
    const { definition, ran } = noting();
    return { ...bed.make({ doorbell: noteRings(), definitions: [definition] }), ran };
  };
  const count = async () => Number((await bed.sql(`select count(*) from "baasix_Tasks"`))[0]?.count);

  test("in bulk are as if each task came after the one before it, whatever has the keys", {
    timeout: 60_000,
  }, async () => {
    const { tasks } = make();
    const become = fc.constantFrom(
      ...([
        ["Not started", false],
        ["Not started", true],
        ["Running", true],
        ["Completed", true],
      ] as const),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(given, { maxLength: 3 }),
        become,
        fc.array(given, { minLength: 1, maxLength: 12 }),
        async (before, [status, started], bulk) => {
          await bed.sql(`truncate "baasix_Tasks"`);
          const model = new Model();
          for (const task of before) {
            model.create(task);
            await tasks.create([task]);
          }
          for (const row of model.rows) Object.assign(row, { status, started });
          await bed.sql(
            `update "baasix_Tasks" set task_status = $1::"enum_baasix_Tasks_task_status", started_at = case when $2::boolean then now() end`,
            [status, started],
          );
          const expected = bulk.map((task) => model.create(task));
          const answers = await tasks.create(bulk);
          expect(answers.map(({ unique_outcome }) => unique_outcome)).toEqual(
            expected.map(({ outcome }) => outcome),
          );
          const rows = await tasks.list({ limit: 100 });
          const inOrder = rows.toSorted((a, b) => a.id - b.id);
          const seen = ({ task_data, scheduled_time }: Task) => [task_data, Date.parse(scheduled_time)];
          expect(inOrder.map(seen)).toEqual(model.rows.map(({ data, due }) => [data, due]));
          // Each is answered with its row, as it is in the end.
          expect(answers.map((task) => seen(task))).toEqual(expected.map(({ row }) => [row.data, row.due]));
          expect(answers.map(({ id }) => inOrder.findIndex((row) => row.id === id))).toEqual(
            expected.map(({ row }) => row.n),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test.runIf(bed.kind === "real servers")("however many ask at once, one task is created", async () => {
    const { tasks } = make();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => tasks.create([{ type: "note", unique_key: `key ${n % 4}` }])),
    );
    const outcomes = answers.flat().map(({ unique_outcome }) => unique_outcome);
    expect(outcomes.filter((one) => one === "created")).toHaveLength(4);
    expect(outcomes.filter((one) => one === "kept")).toHaveLength(196);
    expect(await count()).toBe(4);
  });

  test.runIf(bed.kind === "real servers")(
    "requests that share keys in another order do not block each other",
    async () => {
      const { tasks } = make();
      const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`);
      const of = (list: string[]) =>
        list.map(
          (unique_key): NewTask => ({ type: "note", unique_key, task_data: 1, on_conflict: "replace" }),
        );
      for (let round = 0; round < 5; round++)
        await Promise.all(
          [of(keys), of(keys.toReversed()), of(keys), of(keys.toReversed())].map((given) =>
            tasks.create(given),
          ),
        );
      expect(await count()).toBe(100);
    },
  );

  test("beside a worker that takes tasks, none is left behind and none runs twice", async () => {
    const { definition, ran } = noting();
    const { tasks, worker } = bed.make({ definitions: [definition] });
    await worker.refresh();
    let inserting = true;
    const working = (async () => {
      while (inserting) {
        await worker.tick();
        // On the embedded stack a tick may end without ever waiting for the event loop.
        await setImmediate();
      }
    })();
    let latest = 0;
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let n = 0; n < 25; n++) {
          const seen = ++latest;
          await tasks.create([{ type: "note", unique_key: "a", task_data: seen, on_conflict: "replace" }]);
        }
      }),
    );
    inserting = false;
    await working;
    await eventually(
      async () => (await bed.sql(`select from "baasix_Tasks" where task_status <> 'Completed'`)).length === 0,
    );
    expect(ran.length).toBeGreaterThan(0);
    expect(new Set(ran.map(({ id }) => id)).size).toBe(ran.length);
  });

  test("costs one request to Postgres and at most two to Redis for 1,000 tasks, and ids grow in their order", async () => {
    const { tasks } = make();
    const given = Array.from(
      { length: 1_000 },
      (_, n): NewTask => ({ type: "note", unique_key: `${(7 * n) % 600}` }),
    );
    bed.counts.reset();
    const created = await tasks.create(given);
    expect(bed.counts.postgres).toBe(1);
    expect(bed.counts.redis).toBeLessThanOrEqual(2);
    expect(created.map(({ unique_key }) => unique_key)).toEqual(given.map(({ unique_key }) => unique_key));
    const ids = created.filter(({ unique_outcome }) => unique_outcome === "created").map(({ id }) => id);
    expect(ids).toHaveLength(600);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });
});
