/** Of many new rows one is answered whole. What is told of the others is what the table has. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NewTask, Task } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting } from "../../support/bed/tasks.ts";

const GIVEN: NewTask[] = [
  { type: "note" },
  { type: "note", task_data: { b: 1, a: [new Date(0), { toJSON: () => "itself" }, undefined] } },
  { type: "note", task_data: () => 1, max_attempts: 3 },
  { type: "note", task_data: "0".repeat(5_000), scheduled_time: "2026-11-24T10:00:00.1239+01:00" },
  { type: "note", task_data: false, scheduled_time: new Date(Date.now() + 3_600_000) },
];

describeOnStacks("tasks that are created together", (bed) => {
  const make = () => bed.make({ doorbell: noteRings(), definitions: [noting().definition] });
  const expectStored = async (created: readonly Task[]) => {
    const { tasks } = make();
    const stored = await Promise.all(created.map(({ id }) => tasks.get(id)));
    expect(created).toEqual(stored);
    expect(created.map(({ id }) => id)).toEqual(stored.map(({ id }) => id).sort((a, b) => a - b));
  };

  test("are told as they are stored", async () => {
    const { tasks } = make();
    const created = await tasks.create(GIVEN, { userId: "ada" });
    await expectStored(created);
    expect(created.map(({ rev }) => rev)).toEqual(GIVEN.map(() => 1));
    await expectStored(await tasks.create(GIVEN, { idempotencyKey: "once" }));
    await expectStored(await tasks.create([...GIVEN, { type: "note", attachment_id: "7" }]));
  });

  test("do not share what callers may change", async () => {
    const { tasks } = make();
    const shared = { list: [1] };
    const [first, second] = (await tasks.create([
      { type: "note", task_data: shared },
      { type: "note", task_data: shared },
    ])) as [Task, Task];
    shared.list.push(2);
    (first.task_data as typeof shared).list.push(3);
    expect(second.task_data).toEqual({ list: [1] });
  });

  describe.each([
    [
      "a column with a value of its own in each row",
      `alter table "baasix_Tasks" add column place serial`,
      `alter table "baasix_Tasks" drop column place`,
    ],
    [
      "a trigger that changes what is given",
      `create function more_attempts() returns trigger language plpgsql as $$ begin
        new.max_attempts := coalesce(new.max_attempts, 0) + new.id; return new; end $$;
      create trigger more_attempts before insert on "baasix_Tasks" for each row execute function more_attempts()`,
      `drop trigger more_attempts on "baasix_Tasks"; drop function more_attempts()`,
    ],
    [
      "a trigger that changes the last of them",
      `create function own_rules() returns trigger language plpgsql as $$ begin
        if new.task_data::text = 'false' then new.max_attempts := 9; end if; return new; end $$;
      create trigger own_rules before insert on "baasix_Tasks" for each row execute function own_rules()`,
      `drop trigger own_rules on "baasix_Tasks"; drop function own_rules()`,
    ],
    [
      "JSON that Postgres orders",
      `alter table "baasix_Tasks" alter column task_data type jsonb`,
      `alter table "baasix_Tasks" alter column task_data type json`,
    ],
  ])("in a table with %s", (_, add, remove) => {
    const run = async (statements: string) => {
      for (const statement of statements.split(/;\n\s+|; (?=drop)/)) await bed.sql(statement);
    };
    beforeEach(() => run(add));
    afterEach(() => run(remove));

    test("are told as they are stored", async () => {
      const { tasks } = make();
      await expectStored(await tasks.create(GIVEN));
      await expectStored(await tasks.create(GIVEN));
    });
  });
});
