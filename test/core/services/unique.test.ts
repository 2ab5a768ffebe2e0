/** One task at a time has a unique key: what becomes of the others, and who is told. */
import { expect, test } from "vitest";
import type { NewTask } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { failing, gated, noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

const later = (ms: number) => new Date(Date.now() + ms).toISOString();

describeOnStacks("a unique key", (bed) => {
  const make = () => {
    const noted = noting();
    const held = gated();
    const doorbell = noteRings();
    const definitions = [noted.definition, held.definition, failing];
    return {
      ...bed.make({ doorbell, definitions }),
      rings: doorbell.rings,
      ran: noted.ran,
      starts: held.starts,
    };
  };
  const count = async () => Number((await bed.sql(`select count(*) from "baasix_Tasks"`))[0]?.count);
  const age = (seconds: number) =>
    bed.sql(`update "baasix_Tasks" set "createdAt" = "createdAt" - $1 * interval '1 second'`, [seconds]);

  test("is taken by one task: another is not created, and the answer has the one that has it", async () => {
    const { tasks } = make();
    const [first] = await tasks.create([{ type: "note", task_data: 1, unique_key: "a" }]);
    expect(first).toMatchObject({
      id: 1,
      unique_key: "a",
      unique_for: "waiting",
      unique_outcome: "created",
      rev: 1,
    });
    const [second] = await tasks.create([{ type: "note", task_data: 2, unique_key: "a" }]);
    expect(second).toMatchObject({ id: 1, task_data: 1, unique_outcome: "kept", rev: 1 });
    // A key is one of a type, and a task without one is like no other.
    const others = await tasks.create([
      { type: "gated", unique_key: "a" },
      { type: "note", unique_key: "b" },
      { type: "note" },
    ]);
    expect(others.map(({ unique_outcome }) => unique_outcome)).toEqual(["created", "created", undefined]);
    expect(others[2]).not.toHaveProperty("unique_outcome");
    expect(await tasks.get(1)).not.toHaveProperty("unique_outcome");
    expect(await count()).toBe(4);
  });

  test("of a waiting task is free as soon as a worker takes it, and needed no more for its next attempts", async () => {
    const { tasks, worker } = make();
    await worker.refresh();
    const given: NewTask = {
      type: "failing",
      unique_key: "a",
      task_data: { how: "tomorrow", times: 1 },
    };
    await tasks.create([given]);
    expect(await worker.tick()).toMatchObject({ retried: 1 });
    expect(await tasks.get(1)).toMatchObject({ task_status: "Not started", attempts: 1 });
    const [successor] = await tasks.create([{ ...given, scheduled_time: later(HOUR_MS) }]);
    expect(successor).toMatchObject({ unique_outcome: "created" });
    expect(successor?.id).not.toBe(1);
    await tasks.update(1, { scheduled_time: later(0) });
    expect(await worker.tick()).toMatchObject({ completed: 1 });
  });

  test("of an unfinished task is taken until it has ended, whatever the new one would do", async () => {
    const { tasks, worker, starts } = make();
    await worker.refresh();
    const given: NewTask = { type: "gated", task_data: 1, unique_key: "a", unique_for: "unfinished" };
    const [{ id } = { id: 0 }] = await tasks.create([given]);
    const ticking = worker.tick();
    await eventually(() => starts.length === 1);
    for (const on_conflict of ["keep", "replace"] as const)
      expect(await tasks.create([{ ...given, task_data: 2, on_conflict }])).toMatchObject([
        { id, task_data: 1, task_status: "Running", unique_outcome: "kept" },
      ]);
    starts[0]?.finish();
    expect(await ticking).toMatchObject({ completed: 1 });
    expect(await tasks.create([given])).toMatchObject([{ unique_outcome: "created" }]);
  });

  test("for seconds is taken so long after the task was created, whatever becomes of it", async () => {
    const { tasks, worker, operator } = make();
    await worker.refresh();
    const given: NewTask = { type: "note", unique_key: "a", unique_for: 60 };
    await tasks.create([given]);
    await worker.tick();
    await age(59);
    expect(await tasks.create([given])).toMatchObject([
      { id: 1, task_status: "Completed", unique_for: 60, unique_outcome: "kept" },
    ]);
    await age(2);
    const [next] = await tasks.create([{ ...given, scheduled_time: later(HOUR_MS) }]);
    expect(next).toMatchObject({ unique_outcome: "created" });
    // The first one has lost it: it could not be told from the one that has it.
    expect(await tasks.get(1)).toMatchObject({ unique_key: "a", unique_for: null });
    // Nor does it have it back.
    expect(await tasks.retry(1)).toMatchObject({ task_status: "Not started" });
    // A task whose time is over while it waits loses the key, and runs all the same; the cache knows its new rev.
    await age(61);
    await tasks.create([given]);
    const listed = await operator.getNotStartedTasks();
    expect(listed.find(({ id }) => id === next?.id)).toMatchObject({
      unique_for: null,
      rev: (await tasks.get(next?.id ?? 0)).rev,
    });
  });

  test("has a waiting task replaced: its data, its due time and its options are the new ones", async () => {
    const { tasks, operator, rings, worker } = make();
    await worker.refresh();
    const due = later(HOUR_MS);
    await tasks.create([{ type: "note", task_data: 1, unique_key: "a", scheduled_time: due }], {
      userId: "ada",
    });
    rings.length = 0;
    const sooner = later(SECOND_MS);
    const given: NewTask = { type: "note", task_data: { n: 2 }, unique_key: "a", on_conflict: "replace" };
    const options = { scheduled_time: sooner, max_attempts: 5, attachment_id: "file" };
    const [replaced] = await tasks.create([{ ...given, ...options }], { userId: "alan" });
    expect(replaced).toMatchObject({
      ...{ id: 1, task_data: { n: 2 }, ...options, unique_outcome: "replaced", rev: 2 },
      ...{ userCreated_Id: "ada", userUpdated_Id: "alan" },
    });
    // The cache lists it as it is now, and the doorbell rings for its new time.
    expect(await operator.getNotStartedTasks()).toMatchObject([{ id: 1, scheduled_time: sooner, rev: 2 }]);
    expect((await operator.getNotStartedTasks())[0]).not.toHaveProperty("unique_outcome");
    expect(rings).toMatchObject([{ atMs: Date.parse(sooner) }]);
    // What is not given of the new one is not left of the old one, either.
    expect(await tasks.create([{ ...given, task_data: undefined }])).toMatchObject([
      { id: 1, task_data: null, max_attempts: null, attachment_id: null, rev: 3 },
    ]);
    expect(await worker.tick()).toMatchObject({ completed: 1 });
  });

  test("postpones a waiting task, never beyond its longest wait and never to an earlier time", async () => {
    const { tasks, operator, worker } = make();
    await worker.refresh();
    const postpone = (ms: number, task_data: unknown) =>
      tasks.create([
        {
          ...{ type: "note", task_data, unique_key: "a", scheduled_time: later(ms) },
          ...{ on_conflict: "postpone" as const, longest_wait_seconds: 300 },
        },
      ]);
    const [first] = await postpone(30_000, 1);
    expect(first).toMatchObject({ unique_outcome: "created" });
    const [second] = await postpone(90_000, 2);
    expect(second).toMatchObject({ id: 1, task_data: 1, unique_outcome: "postponed", rev: 2 });
    expect(
      Date.parse(second?.scheduled_time ?? "") - Date.parse(first?.scheduled_time ?? ""),
    ).toBeGreaterThan(59_000);
    expect(await operator.getNotStartedTasks()).toMatchObject([
      { id: 1, scheduled_time: second?.scheduled_time },
    ]);
    const [sooner] = await postpone(10_000, 3);
    expect(sooner).toMatchObject({ scheduled_time: second?.scheduled_time, unique_outcome: "kept", rev: 2 });
    const [longest] = await postpone(HOUR_MS, 4);
    expect(longest).toMatchObject({ unique_outcome: "postponed", rev: 3 });
    expect(Date.parse(longest?.scheduled_time ?? "") - Date.parse(first?.createdAt ?? "")).toBe(300_000);
    expect(await postpone(2 * HOUR_MS, 5)).toMatchObject([{ unique_outcome: "kept", rev: 3 }]);
  });

  test("a task that is replaced again and again is due after its longest wait as well", async () => {
    const { tasks } = make();
    const replace = (task_data: number) =>
      tasks.create([
        {
          ...{ type: "note", task_data, unique_key: "a", scheduled_time: later(60_000) },
          ...{ on_conflict: "replace" as const, longest_wait_seconds: 90 },
        },
      ]);
    const [first] = await replace(1);
    await age(45);
    const [second] = await replace(2);
    expect(second).toMatchObject({ task_data: 2, unique_outcome: "replaced" });
    const wait = Date.parse(second?.scheduled_time ?? "") - (Date.parse(first?.createdAt ?? "") - 45_000);
    expect(wait).toBe(90_000);
  });

  test("how long it is taken says the task that has it, and what to do the one that comes", async () => {
    const { tasks } = make();
    await tasks.create([{ type: "note", unique_key: "a", unique_for: "unfinished" }]);
    const [replaced] = await tasks.create([
      { type: "note", unique_key: "a", unique_for: "waiting", on_conflict: "replace" },
    ]);
    expect(replaced).toMatchObject({ unique_for: "unfinished", unique_outcome: "replaced" });
  });

  test("is not to be had back by a retry or under another type while another task has it", async () => {
    const { tasks } = make();
    const given = { type: "note", unique_key: "a" };
    await tasks.create([given]);
    await tasks.cancel(1);
    const [second] = await tasks.create([given]);
    const taken = { code: "unique_key_taken", kind: "conflict", message: expect.stringContaining("note, a") };
    await expect(tasks.retry(1)).rejects.toMatchObject(taken);
    expect(await tasks.get(1)).toMatchObject({ task_status: "Error", rev: 2 });
    const [other] = await tasks.create([{ type: "gated", unique_key: "a" }]);
    await expect(tasks.update(other?.id ?? 0, { type: "note" })).rejects.toMatchObject(taken);
    // Whoever writes SQL is held to it, too.
    await expect(
      bed.sql(`update "baasix_Tasks" set task_status = 'Not started' where id = 1`),
    ).rejects.toThrow("tickwork_unique");
    await tasks.remove(second?.id ?? 0);
    expect(await tasks.retry(1)).toMatchObject({ unique_key: "a" });
    expect(await tasks.create([given])).toMatchObject([{ id: 1, unique_outcome: "kept" }]);
  });

  test("a repetition with the same Idempotency-Key says what became of it the first time", async () => {
    const { tasks } = make();
    const given: NewTask[] = [
      { type: "note", unique_key: "a" },
      { type: "note", unique_key: "a", task_data: 2, on_conflict: "replace" },
      { type: "note" },
    ];
    const told = (created: Awaited<ReturnType<typeof tasks.create>>) =>
      created.map(({ id, unique_outcome }) => [id, unique_outcome]);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => tasks.create(given, { idempotencyKey: "once" })),
    );
    for (const answer of answers)
      expect(told(answer)).toEqual([
        [answer[0]?.id, "created"],
        [answer[0]?.id, "replaced"],
        [answer[2]?.id, undefined],
      ]);
    expect(await count()).toBe(2);
    // Another request finds what the first one has made.
    expect(await tasks.create(given.slice(0, 1))).toMatchObject([{ unique_outcome: "kept", task_data: 2 }]);
    await tasks.remove(answers[0]?.[0]?.id ?? 0);
    await expect(tasks.create(given, { idempotencyKey: "once" })).rejects.toMatchObject({
      code: "tasks_deleted",
    });
  });

  test("a task that is kept is told again: whoever created it may have died before it could", async () => {
    const { tasks, rings, operator } = make();
    const given: NewTask = { type: "note", unique_key: "a", scheduled_time: later(60_000) };
    bed.faults.postgresAnswer = (text) => {
      if (text.includes("tickwork_insert_unique")) throw new Error("the connection was lost");
    };
    await expect(tasks.create([given])).rejects.toMatchObject({ code: "postgres_unavailable" });
    delete bed.faults.postgresAnswer;
    rings.length = 0;
    const [kept] = await tasks.create([given]);
    expect(kept).toMatchObject({ unique_outcome: "kept" });
    expect(rings).toMatchObject([{ atMs: Date.parse(kept?.scheduled_time ?? "") }]);
    expect(await operator.getNotStartedTasks()).toMatchObject([{ id: kept?.id }]);
  });

  test("hooks hear of what was created or changed, once, and not of what was kept", async () => {
    const { tasks, hooks } = make();
    const heard: unknown[] = [];
    for (const event of ["items.create.after", "items.update.after"] as const)
      hooks.registerHook("baasix_Tasks", event, ({ data }) => {
        heard.push([event, data.id, data.task_data]);
      });
    const a = { type: "note", unique_key: "a" };
    const [first] = await tasks.create([
      { ...a, task_data: 1 },
      { ...a, task_data: 2 },
      { ...a, task_data: 3, on_conflict: "replace" },
    ]);
    expect(heard.splice(0)).toEqual([["items.create.after", first?.id, 3]]);
    await tasks.create([{ ...a, task_data: 4 }]);
    expect(heard.splice(0)).toEqual([]);
    await tasks.create([{ ...a, task_data: 5, on_conflict: "replace" }]);
    expect(heard).toEqual([["items.update.after", first?.id, 5]]);
  });
});
