import { afterEach, beforeEach, expect, test } from "vitest";
import { MIGRATIONS, SCHEMA_VERSION } from "../../../../packages/core/store/schema/migrations.ts";
import { openTestBed, type TestBed } from "../../../support/bed/bed.ts";
import { eachStack } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { noteLog } from "../../../support/run/noted-log.ts";

let bed: TestBed;

const columns = () =>
  bed.sql<{ column_name: string; type: string; nullable: string; initial: string | null }>(
    `select column_name, case when data_type = 'USER-DEFINED' then udt_name else data_type end as type,
       is_nullable as nullable, column_default as initial
     from information_schema.columns where table_name = 'baasix_Tasks' order by ordinal_position`,
  );

eachStack("the migrations", (kind) => {
  beforeEach(async () => {
    bed = await openTestBed(kind, { migrated: false });
  });
  afterEach(() => bed.close());

  test("an empty database gets the table that Baasix documents, and what running tasks takes", async () => {
    expect(await bed.make({ doorbell: noteRings() }).migrate()).toHaveLength(SCHEMA_VERSION);
    const shape = (await columns()).map(
      ({ column_name, type, nullable }) => `${column_name}: ${type}${nullable === "NO" ? " not null" : ""}`,
    );
    const indexes = await bed.sql(
      `select indexdef from pg_indexes where tablename in ('baasix_Tasks', 'tickwork_flags', 'tickwork_requests') order by indexname`,
    );
    await expect({ columns: shape, indexes: indexes.map(({ indexdef }) => indexdef) }).toMatchFileSnapshot(
      "schema.snap.txt",
    );
    const values = await bed.sql(`select enumlabel from pg_enum order by enumsortorder`);
    expect(values.map(({ enumlabel }) => enumlabel)).toEqual([
      "Not started",
      "Running",
      "Completed",
      "Error",
    ]);
    expect((await columns()).find(({ column_name }) => column_name === "id")?.type).toBe("bigint");
  });

  test("an empty database is worth a line; where there are tasks, each step is told", async () => {
    const migrated = async () => {
      const { log, lines } = noteLog();
      await bed.make({ doorbell: noteRings(), log }).migrate();
      return lines.filter(({ level }) => level === "info").map(({ message }) => message);
    };
    expect(await migrated()).toEqual(["tables created"]);
    await bed.sql("truncate tickwork_migrations");
    expect((await migrated()).filter((message) => message === "migrated")).toHaveLength(SCHEMA_VERSION);
  });

  test("a second migration does nothing and costs one query", async () => {
    const { migrate } = bed.make({ doorbell: noteRings() });
    await migrate();
    bed.counts.reset();
    expect(await migrate()).toEqual([]);
    expect(bed.counts.postgres).toBe(1);
  });

  test("eight processes may migrate at once", async () => {
    const steps = await Promise.all(
      Array.from({ length: 8 }, () => bed.make({ doorbell: noteRings() }).migrate()),
    );
    expect(steps.flat()).toHaveLength(SCHEMA_VERSION);
    expect(await bed.sql(`select id from tickwork_migrations`)).toHaveLength(SCHEMA_VERSION);
  });

  test("a table that Baasix made is adopted: rows and columns stay, missing columns are added, and its tasks run", async () => {
    await bed.sql(`create table "baasix_Tasks" (
      id serial primary key, task_status varchar(255) not null default 'Not started', type varchar(255) not null,
      scheduled_time timestamptz, attachment_id uuid, task_data json, result_data json, error_data json,
      status varchar(255) default 'published', "tenant_Id" uuid, "userCreated_Id" uuid, "userUpdated_Id" uuid,
      "createdAt" timestamptz not null, "updatedAt" timestamptz not null)`);
    await bed.sql(`insert into "baasix_Tasks" (task_status, type, scheduled_time, task_data, "tenant_Id", "createdAt", "updatedAt") values
      ('Not started', 'greet', '2020-01-01T00:00:00Z', '{"b": 2, "a": 1}', '6e1a2f52-8d4f-4d1d-a87e-2f0b9f0f9a01', now(), now()),
      ('Not started', 'greet', null, null, null, now(), now()),
      ('Running', 'greet', '2020-01-01T00:00:00Z', null, null, now(), now()),
      ('Running', 'greet', '2020-01-01T00:00:00Z', null, null, now(), now()),
      ('Completed', 'greet', '2020-01-01T00:00:00Z', null, null, now(), now()),
      ('Error', 'greet', '2020-01-01T00:00:00Z', null, null, now(), now())`);
    const theirs = (await columns()).map(({ column_name }) => `"${column_name}"`).join(", ");
    const before = await bed.sql(`select ${theirs} from "baasix_Tasks" order by id`);
    const typesBefore = await columns();

    const ran: unknown[] = [];
    const { log, lines } = noteLog();
    const tickwork = bed.make({
      doorbell: noteRings(),
      log,
      definitions: [
        {
          type: "greet",
          run: async (_, { task }) =>
            ran.push({ id: task.id, tenant: (task as { tenant_Id?: unknown }).tenant_Id }),
        },
      ],
    });
    expect(await tickwork.migrate()).toHaveLength(SCHEMA_VERSION);
    expect(await bed.sql(`select ${theirs} from "baasix_Tasks" order by id`)).toEqual(before);
    expect((await columns()).slice(0, typesBefore.length)).toEqual(typesBefore);

    // Whoever runs those two may still be at work: nothing starts beside them until they end, or an operator ends them.
    await tickwork.worker.refresh();
    expect(await tickwork.worker.tick()).toMatchObject({ ended: "conflict", completed: 0 });
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        task: expect.toBeOneOf([3, 4]),
        message: expect.stringContaining("before Tickwork"),
      }),
    );
    await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 3`);
    expect(await tickwork.worker.tick()).toMatchObject({ ended: "conflict", completed: 0 });
    expect(await tickwork.tasks.cancel(4)).toMatchObject({
      task_status: "Error",
      error_data: { message: "the task was cancelled while another program ran it" },
    });
    await tickwork.worker.tick();
    // The two that waited ran here, with their foreign columns.
    expect(ran).toEqual([
      { id: 1, tenant: "6e1a2f52-8d4f-4d1d-a87e-2f0b9f0f9a01" },
      { id: 2, tenant: null },
    ]);
    const [made] = await tickwork.tasks.create([
      { type: "greet", attachment_id: "6e1a2f52-8d4f-4d1d-a87e-2f0b9f0f9a02" },
    ]);
    expect(made).toMatchObject({
      id: 7,
      attachment_id: "6e1a2f52-8d4f-4d1d-a87e-2f0b9f0f9a02",
      status: "published",
    });
    await expect(tickwork.tasks.create([{ type: "greet", attachment_id: "no uuid" }])).rejects.toMatchObject({
      kind: "invalid",
    });
  });

  test("every write increases rev; a row that another program sets to Running gets a lease, and no slot", async () => {
    await bed.make({ doorbell: noteRings() }).migrate();
    await bed.sql(`insert into "baasix_Tasks" (type) values ('a'), ('b')`);
    expect(await bed.sql(`select rev, scheduled_time is not null as timed from "baasix_Tasks"`)).toEqual([
      { rev: "1", timed: "t" },
      { rev: "1", timed: "t" },
    ]);
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
    const [running] = await bed.sql(
      `select rev, slot, attempts, round(extract(epoch from lease_expires_at - now()) / 60) as minutes, started_at is not null as started from "baasix_Tasks" where id = 1`,
    );
    expect(running).toEqual({ rev: "2", slot: null, attempts: "1", minutes: "15", started: "t" });
    // It runs what it likes, as much as it likes.
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 2`);
    await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 1`);
    const [done] = await bed.sql(
      `select rev, slot, lease_expires_at, finished_at is not null as finished from "baasix_Tasks" where id = 1`,
    );
    expect(done).toEqual({ rev: "3", slot: null, lease_expires_at: null, finished: "t" });
  });
});

// Postgres refuses to replace a function by one that returns something else, and refuses the statements that a worker
// has prepared where it was dropped for that ("cached plan must not change result type"): its results would be lost.
test("no migration drops a function, for workers of the version before still call it", () => {
  for (const { name, sql = "", steps = [] } of MIGRATIONS)
    expect(JSON.stringify([sql, steps]), name).not.toMatch(/drop\s+(function|routine)/i);
});
