/** Most rows of a batch are told in a few values. What a handler gets of them is what the table has. */
import { afterEach, expect, test } from "vitest";
import { defineTask, type NewTask, type Task } from "#core";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";

const GIVEN: NewTask[] = [
  { type: "note" },
  { type: "note", task_data: { a: [1, { b: null }], c: "é" } },
  { type: "note", task_data: "text", max_attempts: 3, scheduled_time: "2026-11-24T10:00:00.1239+01:00" },
  { type: "note", task_data: null, attachment_id: "7" },
  { type: "note", unique_key: "once", unique_for: 3_600 },
  { type: "note", version: 2 },
];

describeOnStacks("what a handler in a batch is handed", (bed) => {
  const PLAIN = Array.from({ length: 12 }, (): NewTask => ({ type: "note" }));
  /** @param change what happens to the table while the same process goes on */
  const run = async (change?: () => Promise<unknown>) => {
    let handed: Task[] = [];
    const definition = defineTask({
      type: "note",
      version: 2,
      migrate: (data) => data,
      batch: { size: 4 },
      run: async (_, { task }) => void handed.push(structuredClone(task)),
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    const round = async (created: readonly Task[]) => {
      handed = [];
      const stored = await Promise.all(created.map(({ id }) => tasks.get(id)));
      expect(await worker.tick()).toMatchObject({ completed: created.length });
      const leased = {
        task_status: "Running",
        attempts: 1,
        started_at: expect.stringMatching(/Z$/),
        updatedAt: expect.stringMatching(/Z$/),
        lease_expires_at: expect.stringMatching(/Z$/),
      };
      const byId = (some: readonly Task[]) => [...some].sort((a, b) => a.id - b.id);
      expect(byId(handed)).toEqual(
        stored.map((task, n) => ({ ...task, ...leased, slot: byId(handed)[n]?.slot, rev: task.rev + 1 })),
      );
    };
    await round([
      ...(await tasks.create(GIVEN, { userId: "ada" })),
      ...(await tasks.create(PLAIN.slice(0, 2))),
      ...(await tasks.create(PLAIN)),
    ]);
    if (!change) return;
    await change();
    await round(await tasks.create(PLAIN));
  };

  const addColumn = () => bed.sql(`alter table "baasix_Tasks" add column place serial`);

  test("is the row as it is stored", () => run());

  test("is the row of a table with a column of its own", async () => {
    await addColumn();
    await run();
  });

  test("has a column that was added while the process runs", () => run(addColumn));

  afterEach(() => bed.sql(`alter table "baasix_Tasks" drop column if exists place`));
});
