/** Priorities, queues, keys and limits, as claims obey them. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createLogger, defineTask, type NewTask } from "#core";
import { withResolvers } from "../../../packages/core/with-resolvers.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { gated } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

const SLOTS = 16;
/** Longer than any of the rates holds back what is there. */
const LIMIT_MS = 20_000;

/** Notes what runs at the same time. */
function watching(type = "note", ms = 30) {
  const ran: number[] = [];
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const count = (name: string | null, by: number) => {
    if (name === null) return;
    now.set(name, (now.get(name) ?? 0) + by);
    most.set(name, Math.max(most.get(name) ?? 0, now.get(name) ?? 0));
  };
  const definition = defineTask({
    type,
    run: async (_, { task }) => {
      ran.push(task.id);
      const names = ["all", task.queue, task.concurrency_key];
      for (const name of names) count(name, 1);
      await sleep(ms);
      for (const name of names) count(name, -1);
    },
  });
  return { ran, most, definition };
}

const times = (n: number, task: (n: number) => Partial<NewTask>): NewTask[] =>
  Array.from({ length: n }, (_, i) => ({ type: "note", ...task(i) }));

describeOnStacks("lanes", (bed) => {
  const make = (slots = 1, options: Parameters<typeof bed.make>[0] = {}) => {
    const [note, other] = [watching("note", slots > 1 ? 30 : 0), watching("other")];
    return {
      ...note,
      other,
      ...bed.make({
        doorbell: noteRings(),
        definitions: [note.definition, other.definition],
        env: { TASK_CONCURRENCY: String(slots) },
        ...options,
      }),
    };
  };
  const left = async () =>
    Number(
      (
        await bed.sql<{ n: string }>(
          `select count(*) as n from "baasix_Tasks" where task_status in ('Not started', 'Running')`,
        )
      )[0]?.n,
    );
  /** Ticks, as many at once as there are slots, until all is done: as rings would bring them. */
  const runAll = async ({ worker }: ReturnType<typeof make>, slots: number) => {
    const untilMs = Date.now() + LIMIT_MS;
    while ((await left()) > 0) {
      if (Date.now() > untilMs) throw new Error(`${await left()} tasks are left`);
      await Promise.all(Array.from({ length: slots }, () => worker.tick()));
    }
  };
  const started = async () =>
    (
      await bed.sql<{ ms: number }>(
        `select (extract(epoch from started_at) * 1000)::float8 as ms from "baasix_Tasks" order by 1`,
      )
    ).map(({ ms }) => Number(ms));

  test.each([{ withoutRedis: false }, { withoutRedis: true }])(
    "no more of a queue run at once than its limit, whoever claims: %o",
    async (options) => {
      const made = make(SLOTS, options);
      await made.operator.putLimit({ queue: "mail" }, { concurrency: 3 });
      await made.tasks.create([
        ...times(30, () => ({ queue: "mail" })),
        ...times(15, () => ({})),
        ...times(10, (n) => ({ concurrency_key: `k${n}` })),
      ]);
      await runAll(made, SLOTS);
      expect(made.ran).toHaveLength(55);
      expect(made.most.get("mail")).toBeLessThanOrEqual(3);
      if (bed.kind === "real servers") expect(made.most.get("mail")).toBeGreaterThan(1);
    },
  );

  test.each<Partial<NewTask>>([{ queue: "mail" }, { concurrency_key: "acme" }, { priority: 1 }])(
    "what may start fills the slots that are free, by rings alone: %o",
    async (line) => {
      const held = gated("note");
      const { tasks } = bed.make({
        definitions: [held.definition],
        env: { TASK_CONCURRENCY: String(SLOTS) },
      });
      await tasks.create(times(SLOTS, () => line));
      await eventually(() => held.starts.length === SLOTS);
      for (const { finish } of held.starts) finish();
      await eventually(async () => (await left()) === 0);
    },
  );

  test("the first claim of a process that meets lanes tells what it ended", async () => {
    const said: unknown[] = [];
    const write = (line: string) => void said.push((JSON.parse(line) as { tasks?: number[] }).tasks);
    await make().tasks.create([{ type: "note", queue: "mail" }]);
    await bed.sql(`insert into "baasix_Tasks" (type, task_status, slot, lease_token, lease_expires_at, crashes, "createdAt")
      values ('note', 'Running', 0, 'dead', now() - interval '1 s', 3, now())`);
    const { worker } = make(1, { log: createLogger({ level: "error", write }) });
    await worker.tick();
    expect(said).toEqual([[2]]);
  });

  test("a process that never met lanes finds what is written for one while it runs plain tasks", async () => {
    const { tasks } = make();
    const ran: number[] = [];
    const definition = defineTask({
      type: "note",
      run: async (_, { task }) => {
        if (ran.push(task.id) === 1)
          await tasks.create([{ type: "note", queue: "mail", scheduled_time: new Date(0) }]);
      },
    });
    const { worker } = make(1, { definitions: [definition] });
    const [, , , last] = await tasks.create(times(4, () => ({})));
    await worker.refresh();
    await worker.tick();
    expect(ran).toHaveLength(5);
    expect(ran.at(-1)).toBe(last?.id);
  });

  test("a limit of a type holds for tasks that were there before it, and for those that come", async () => {
    const made = make(SLOTS);
    await made.tasks.create([...times(30, () => ({})), ...times(10, () => ({ type: "other" }))]);
    await made.operator.putLimit({ type: "note" }, { concurrency: 2 });
    await made.tasks.create(times(20, () => ({ priority: 5 })));
    await runAll(made, SLOTS);
    expect(made.ran).toHaveLength(50);
    expect(made.most.get("all")).toBe(2);
    expect(made.other.ran).toHaveLength(10);
    expect(await made.operator.removeLimit({ type: "note" })).toBe(true);
    await made.tasks.create(times(30, () => ({})));
    await runAll(made, SLOTS);
    if (bed.kind === "real servers") expect(made.most.get("all")).toBeGreaterThan(2);
  });

  test("a limit of a type holds behind many that are paused", async () => {
    const made = make(SLOTS);
    await made.operator.pause({ type: "other" }, {});
    await made.tasks.create(times(250, () => ({ type: "other" })));
    await made.tasks.create(times(6, () => ({})));
    await made.operator.putLimit({ type: "note" }, { concurrency: 1 });
    for (let n = 0; made.ran.length < 6 && n < 50; n++)
      await Promise.all(Array.from({ length: SLOTS }, () => made.worker.tick()));
    expect(made.ran).toHaveLength(6);
    expect(made.most.get("all")).toBe(1);
  });

  test("each key has its own limit, and one that is named another", async () => {
    const made = make(SLOTS);
    await made.operator.putLimit({ concurrency_key: "*" }, { concurrency: 1 });
    await made.operator.putLimit({ concurrency_key: "big" }, { concurrency: 4 });
    await made.tasks.create([
      ...times(24, (n) => ({ concurrency_key: `k${n % 8}`, priority: n % 3 })),
      ...times(24, () => ({ concurrency_key: "big" })),
    ]);
    await runAll(made, SLOTS);
    expect(made.ran).toHaveLength(48);
    for (let n = 0; n < 8; n++) expect(made.most.get(`k${n}`)).toBe(1);
    expect(made.most.get("big")).toBeLessThanOrEqual(4);
  });

  test.each([
    { kind: "queue", burst: true },
    { kind: "type", burst: true },
    { kind: "concurrency_key", burst: true },
    { kind: "queue", burst: false },
  ] as const)("no more start in a period than a rate allows: %o", async ({ kind, burst }) => {
    const made = make(SLOTS);
    const target = { queue: "mail", type: "note", concurrency_key: "acme" };
    await made.operator.putLimit({ [kind]: target[kind] } as never, {
      rate: { starts: 5, period_seconds: 0.4, burst },
    });
    await made.tasks.create(times(13, () => (kind === "type" ? {} : { [kind]: target[kind] })));
    await runAll(made, SLOTS);
    const at = await started();
    expect(at).toHaveLength(13);
    // To the microsecond in Postgres, not in a double.
    for (let n = 5; n < at.length; n++) expect((at[n] ?? 0) - (at[n - 5] ?? 0)).toBeGreaterThan(399.9);
    if (!burst)
      for (let n = 1; n < at.length; n++) expect((at[n] ?? 0) - (at[n - 1] ?? 0)).toBeGreaterThan(79.9);
    else expect((at[4] ?? 0) - (at[0] ?? 0)).toBeLessThan(400);
  });

  test("a tenant with many tasks on many keys does not hold up one with three", async () => {
    const made = make();
    await made.tasks.create(times(30, (n) => ({ concurrency_key: `big/${n % 10}` })));
    await made.tasks.create(times(3, () => ({ concurrency_key: "small" })));
    await made.worker.tick();
    const places = [31, 32, 33].map((id) => made.ran.indexOf(id) + 1);
    expect(places).toEqual([2, 4, 6]);
  });

  test("a group gets turns by its weight, and tasks without a key are one group", async () => {
    const made = make();
    await made.operator.putLimit({ concurrency_key: "paying" }, { weight: 3 });
    await made.tasks.create([
      ...times(20, (n) => ({ concurrency_key: `paying/${n % 4}` })),
      ...times(20, () => ({ concurrency_key: "free" })),
      ...times(20, () => ({})),
    ]);
    await made.worker.tick();
    const first = made.ran.slice(0, 25);
    const of = (from: number, to: number) => first.filter((id) => id > from && id <= to).length;
    expect([of(0, 20), of(20, 40), of(40, 60)]).toEqual([15, 5, 5]);
  });

  test("priority orders a group; a point is worth a minute of waiting", async () => {
    const made = make();
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    await made.tasks.create([
      { type: "note", priority: -100, scheduled_time: ago(1) },
      { type: "note" },
      { type: "note", priority: 10 },
      { type: "note", priority: 5, queue: "mail", scheduled_time: ago(6) },
      { type: "note", priority: 100, scheduled_time: new Date(Date.now() + 3_600_000) },
      { type: "note", priority: -100, scheduled_time: ago(120) },
    ]);
    await made.worker.tick();
    expect(made.ran).toEqual([6, 4, 3, 2, 1]);
  });

  test("a task that is due before what is known starts, and idle ticks ask nobody for it", async () => {
    const made = make();
    await made.tasks.create([
      { type: "note", queue: "mail", scheduled_time: new Date(Date.now() + 3_600_000) },
    ]);
    expect(await made.worker.tick()).toMatchObject({ completed: 0, ended: "idle" });
    await made.tasks.create([{ type: "note", queue: "mail" }]);
    expect(await made.worker.tick()).toMatchObject({ completed: 1, ended: "idle" });
    bed.counts.reset();
    for (let n = 0; n < 3; n++) expect(await made.worker.tick()).toMatchObject({ ended: "idle" });
    expect(bed.counts).toMatchObject({ postgres: 0, redis: 3 });
  });

  test("a queue that is full does not hold up the batches of plain tasks", async () => {
    const gates = [withResolvers<void>(), withResolvers<void>()];
    const held = defineTask({ type: "held", run: async (_, { task }) => gates[task.id - 1]?.promise });
    const many = defineTask({ type: "many", batch: true, run: async () => {} });
    const made = make(2, { definitions: [held, many], env: { TASK_CONCURRENCY: "2" } });
    await made.operator.putLimit({ queue: "mail" }, { concurrency: 1 });
    await made.tasks.create(times(2, () => ({ type: "held", queue: "mail" })));
    const holding = made.worker.tick();
    await eventually(async () => (await made.tasks.get(1))?.task_status === "Running");
    const runMany = async () => {
      await made.tasks.create(times(60, () => ({ type: "many" })));
      bed.counts.reset();
      expect(await made.worker.tick()).toMatchObject({ completed: 60 });
      expect(bed.counts.postgres).toBeLessThan(20);
    };
    await runMany();
    gates[0]?.resolve();
    await eventually(async () => (await made.tasks.get(2))?.task_status === "Running");
    await runMany();
    gates[1]?.resolve();
    expect(await holding).toMatchObject({ completed: 2 });
  });

  test("what a dead worker ran waits in line again", async () => {
    const made = make();
    await made.operator.putLimit({ queue: "mail" }, { concurrency: 1 });
    await made.tasks.create(times(2, () => ({ queue: "mail" })));
    await bed.sql(
      `update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'x', attempts = 1,
        lease_expires_at = now() - interval '1 second' where id = 1`,
    );
    await made.worker.refresh();
    await made.worker.tick();
    expect(made.ran.sort()).toEqual([1, 2]);
    expect(await made.tasks.get(1)).toMatchObject({ crashes: 1, attempts: 2 });
  });

  test("what a dead worker ran of a type with a rate waits for the next start", async () => {
    const made = make();
    await made.operator.putLimit({ type: "note" }, { rate: { starts: 1, period_seconds: 60 } });
    await made.tasks.create(times(2, () => ({})));
    await made.worker.tick();
    expect(made.ran).toEqual([1]);
    // It had started before there was a limit, so it is in no lane.
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running', lane = null, slot = 0, lease_token = 'x', attempts = 1,
      lease_expires_at = now() - interval '1 second' where id = 2`);
    await made.worker.refresh();
    await made.worker.tick();
    expect(made.ran).toEqual([1]);
    expect(await made.tasks.get(2)).toMatchObject({ task_status: "Not started", crashes: 1, attempts: 1 });
  });

  test("a task of a type with a limit starts though a refresh came before the tick that it was told of", async () => {
    const made = make();
    await made.operator.putLimit({ type: "note" }, { concurrency: 1 });
    await made.worker.tick();
    await made.tasks.create(times(1, () => ({})));
    await made.worker.refresh();
    expect(await made.worker.tick()).toMatchObject({ completed: 1 });
  });
});
