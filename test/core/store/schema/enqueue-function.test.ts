/** `tickwork.enqueue`, as whoever writes SQL sees it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { SCHEMA_VERSION } from "../../../../packages/core/store/schema/migrations.ts";
import { openTestBed, type TestBed } from "../../../support/bed/bed.ts";
import { describeOnStacks, eachStack } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { noting } from "../../../support/bed/tasks.ts";

let bed: TestBed;

const nested = (levels: number) => `${"[".repeat(levels)}"[{"${"]".repeat(levels)}`;
const enqueue = (given: string) => bed.sql<{ id: string }>(`select tickwork.enqueue(${given}) as id`);

describeOnStacks("tickwork.enqueue", (shared) => {
  beforeEach(() => {
    bed = shared;
  });

  test("makes a task that runs as any other does", async () => {
    const { definition, ran } = noting();
    const { worker, tasks } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    const [made] = await enqueue(`'note', '{"name":"Ada"}'`);
    const id = Number(made?.id);
    expect(await tasks.get(id)).toMatchObject({
      ...{ type: "note", task_data: { name: "Ada" }, task_status: "Not started", attempts: 0, rev: 1 },
      ...{ max_attempts: null, attachment_id: null, userCreated_Id: null },
    });
    await enqueue(`'note'`);
    await worker.tick({ askPostgres: true });
    expect(ran).toHaveLength(2);
  });

  test("calls nothing that others made in a schema that is searched first", async () => {
    await bed.sql(`create function public.json_build_array(json) returns json language plpgsql as $$
      begin raise exception 'called with the rights of the owner'; end $$`);
    try {
      expect(await enqueue(`'note', '{"name":"Ada"}', now(), '{"max_attempts":2}'`)).toHaveLength(1);
    } finally {
      await bed.sql("drop function public.json_build_array(json)");
    }
  });

  test("takes a time and options, and what data there can be", async () => {
    const { tasks } = bed.make({ doorbell: noteRings() });
    await enqueue(`'note', '{"b": 1, "a": "\\u0041"}', '2027-01-01T00:00:00Z',
      '{"max_attempts": 3, "attachment_id": "f", "user_id": "ada"}'`);
    await enqueue(`type => 'note', data => '${nested(100)}', at => null, options => null`);
    await enqueue(`'note', to_json(repeat('x', ${256 * 1024 - 2}))`);
    const [large, deep, first] = await tasks.list({ limit: 3 });
    expect(first).toMatchObject({
      ...{ task_data: { a: "A", b: 1 }, scheduled_time: "2027-01-01T00:00:00.000Z" },
      ...{ max_attempts: 3, attachment_id: "f", userCreated_Id: "ada" },
    });
    expect(Math.abs(Date.parse(deep?.scheduled_time ?? "") - Date.now())).toBeLessThan(60_000);
    expect(large?.task_data).toHaveLength(256 * 1024 - 2);
  });

  test.each<[string, RegExp]>([
    ["null", /type must be a string of 1 to 255 characters, got null/],
    ["''", /type must be a string of 1 to 255 characters, got ''/],
    [`repeat('x', 256)`, /type must be a string of 1 to 255 characters, got 'xxx/],
    [
      `'note', to_json(repeat('x', ${256 * 1024 - 1}))`,
      /data must have at most 262144 bytes as JSON, got 262145/,
    ],
    [`'note', '${nested(101)}'`, /data must be nested at most 100 levels deep, got 101/],
    [`'note', '{"a": "\\u0000"}'`, /unsupported Unicode escape sequence/],
    [`'note', '{"a": "\\ud800"}'`, /invalid input syntax for type json/],
    [`'note', '{', now()`, /invalid input syntax for type json/],
    [`'note', null, 'infinity'`, /at must be a time, got infinity/],
    [`'note', null, now(), '[]'`, /options must be a JSON object, got \[\]/],
    [`'note', null, now(), '{"maxAttempts": 3}'`, /options\.maxAttempts is not an option/],
    [
      `'note', null, now(), '{"max_attempts": 0}'`,
      /options\.max_attempts must be a whole number from 1 to 1000, got 0/,
    ],
    [`'note', null, now(), '{"max_attempts": 1.5}'`, /options\.max_attempts must be a whole number/],
    [`'note', null, now(), '{"max_attempts": "3"}'`, /options\.max_attempts must be a whole number.*got "3"/],
    [
      `'note', null, now(), '{"user_id": ""}'`,
      /options\.user_id must be a string of 1 to 255 characters, got ""/,
    ],
    [`'note', null, now(), '{"attachment_id": 7}'`, /options\.attachment_id must be a string/],
    ...(
      [
        [{ unique_key: "x".repeat(10_000) }, /options\.unique_key must be a string of 1 to 255 characters/],
        [
          { unique_key: "a", unique_for: "ever" },
          /options\.unique_for must be "waiting", "unfinished" or .*got "ever"/,
        ],
        [{ unique_key: "a", unique_for: 0 }, /options\.unique_for must be .*got 0/],
        [{ unique_key: "a", unique_for: 1.5 }, /options\.unique_for must be .*got 1.5/],
        [{ unique_key: "a", on_conflict: "drop" }, /options\.on_conflict must be one of "keep".*got "drop"/],
        [{ unique_for: 60 }, /options\.unique_key must be given with unique_for/],
        [
          { unique_key: "a", longest_wait_seconds: 60 },
          /options\.longest_wait_seconds must come with on_conflict/,
        ],
        [{ unique_key: "a", on_conflict: "postpone" }, /options\.longest_wait_seconds must be given/],
        [
          { unique_key: "a", on_conflict: "postpone", longest_wait_seconds: "1" },
          /must be a whole number from 1 to/,
        ],
        [{ unique_key: "a", unique_for: 9, on_conflict: "replace" }, /options\.on_conflict must be "keep"/],
      ] as const
    ).map(
      ([options, message]) =>
        [`'note', null, now(), '${JSON.stringify(options)}'`, message] as [string, RegExp],
    ),
  ])("refuses %s, and makes nothing", async (given, message) => {
    await expect(enqueue(given)).rejects.toThrow(message);
    expect(await bed.sql(`select from "baasix_Tasks"`)).toEqual([]);
  });

  test("answers with the task that has the unique key, and changes it as it is told", async () => {
    const { tasks } = bed.make({ doorbell: noteRings(), definitions: [noting().definition] });
    const at = "'2027-01-01T00:00:00Z'";
    const id = async (given: string) => Number((await enqueue(given))[0]?.id);
    const first = await id(`'note', '1', ${at}, '{"unique_key": "a", "unique_for": "unfinished"}'`);
    expect(await id(`'note', '2', now(), '{"unique_key": "a"}'`)).toBe(first);
    expect(await tasks.get(first)).toMatchObject({
      task_data: 1,
      unique_key: "a",
      unique_for: "unfinished",
      rev: 1,
    });
    expect(
      await id(`'note', '3', ${at}, '{"unique_key": "a", "on_conflict": "replace", "user_id": "ada"}'`),
    ).toBe(first);
    expect(await tasks.get(first)).toMatchObject({ task_data: 3, userUpdated_Id: "ada", rev: 2 });
    expect(await id(`'other', '3', ${at}, '{"unique_key": "a", "unique_for": 60}'`)).not.toBe(first);
    // What Tickwork creates by the same key is the same.
    expect(await tasks.create([{ type: "note", unique_key: "a" }])).toMatchObject([
      { id: first, unique_outcome: "kept" },
    ]);
  });

  test("says in codes what it refuses, and what would be right", async () => {
    const refused = await enqueue(`'note', null, now(), '{"urgent": 1}'`).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: "22023",
      hint: "Options are: max_attempts, attachment_id, user_id, version, priority, queue, concurrency_key, unique_key, unique_for, on_conflict, longest_wait_seconds.",
    });
  });
});

eachStack("tickwork.enqueue, for others", (kind) => {
  afterEach(() => bed.close());
  beforeEach(async () => {
    bed = await openTestBed(kind, { migrated: false });
  });

  // Roles belong to all databases of a server.
  test.runIf(kind === "embedded")(
    "needs no rights on the table, and only those may call it who were given that",
    async () => {
      await bed.make({ doorbell: noteRings() }).migrate();
      await bed.sql(
        `do $$ begin create role tickwork_guest; exception when duplicate_object then null; end $$`,
      );
      const asGuest = async () => {
        await bed.sql("set role tickwork_guest");
        try {
          return await enqueue(`'note', '{}'`);
        } finally {
          await bed.sql("reset role");
        }
      };
      await expect(asGuest()).rejects.toThrow(/permission denied for schema tickwork/);
      await bed.sql("grant usage on schema tickwork to tickwork_guest");
      await expect(asGuest()).rejects.toThrow(/permission denied for function enqueue/);
      await bed.sql("grant execute on function tickwork.enqueue to tickwork_guest");
      expect(await asGuest()).toHaveLength(1);
    },
  );

  test.runIf(kind === "embedded")(
    "is left out by a migrator that may not make schemas, and nothing else is",
    async () => {
      await bed.sql("create role tickwork_migrator");
      await bed.sql("create schema app authorization tickwork_migrator");
      await bed.sql("set search_path = app");
      await bed.sql("set role tickwork_migrator");
      const { migrate, tasks } = bed.make({ doorbell: noteRings(), definitions: [noting().definition] });
      expect(await migrate()).toHaveLength(SCHEMA_VERSION);
      expect(await tasks.create([{ type: "note" }])).toMatchObject([{ id: 1 }]);
      await expect(enqueue(`'note'`)).rejects.toThrow(/schema "tickwork" does not exist/);
    },
  );

  test.runIf(kind === "embedded")("is made in a schema that the migrator was given", async () => {
    await bed.sql("create role tickwork_migrator");
    await bed.sql("create schema app authorization tickwork_migrator");
    await bed.sql("create schema tickwork authorization tickwork_migrator");
    await bed.sql("set search_path = app");
    await bed.sql("set role tickwork_migrator");
    await bed.make({ doorbell: noteRings() }).migrate();
    // Whoever calls it has another path, and another table of this name there.
    await bed.sql("set search_path = pg_temp");
    await bed.sql(`create temporary table "baasix_Tasks" (id bigint)`);
    await enqueue(`'note'`);
    expect(await bed.sql(`select type from app."baasix_Tasks"`)).toEqual([{ type: "note" }]);
  });

  test("fits a table that Baasix made, whose ids are uuids", async () => {
    await bed.sql(`create table "baasix_Tasks" (
      id serial primary key, task_status varchar(255) not null default 'Not started', type varchar(255) not null,
      scheduled_time timestamptz, attachment_id uuid, task_data json, result_data json, error_data json,
      "userCreated_Id" uuid, "userUpdated_Id" uuid, "createdAt" timestamptz not null, "updatedAt" timestamptz not null)`);
    const { migrate, tasks } = bed.make({ doorbell: noteRings() });
    await migrate();
    const uuid = "6e1a2f52-8d4f-4d1d-a87e-2f0b9f0f9a02";
    await enqueue(`'note', '{"n": 1}', now(), '{"attachment_id": "${uuid}"}'`);
    expect(await tasks.list({ limit: 2 })).toMatchObject([
      { id: 1, attachment_id: uuid, task_data: { n: 1 } },
    ]);
    await expect(enqueue(`'note', null, now(), '{"user_id": "ada"}'`)).rejects.toThrow(/uuid/);
  });
});
