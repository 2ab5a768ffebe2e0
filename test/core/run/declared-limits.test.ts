/** Limits that code declares, and what becomes of them when they are changed over HTTP. */
import { expect, test } from "vitest";
import { type DeclaredLimit, defineLimit, defineTask, type TypeLimit } from "#core";
import { definitionsOf } from "../../../packages/core/tasks/definitions-of.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

const noteOf = (limit?: TypeLimit) =>
  defineTask({ type: "note", run: async () => {}, ...(limit && { limit }) });
const rate = { starts: 1, periodSeconds: 3_600 };
const mail = defineLimit({ queue: "mail", rate });

describeOnStacks("limits in code", (bed) => {
  /** A process that starts, and has refreshed once. */
  const start = async (limit?: TypeLimit, limits: DeclaredLimit[] = [], env = {}) => {
    const made = bed.make({
      doorbell: noteRings(),
      env,
      definitions: definitionsOf({ note: noteOf(limit), limits }, "./tasks.ts"),
    });
    await made.worker.refresh();
    return made;
  };
  const inForce = async ({ operator }: Awaited<ReturnType<typeof start>>) =>
    (await operator.listLimits()).map(({ updated_at: _, ...limit }) => limit);
  const fromCode = { running: 0, source: "code" };
  const ofNote = (concurrency: number) => ({
    type: "note",
    concurrency,
    rate: null,
    weight: null,
    ...fromCode,
  });
  const changed = { source: "api" };
  const hourly = { starts: 1, period_seconds: 3_600, burst: false };
  const ofMail = { queue: "mail", concurrency: null, rate: hourly, weight: null, ...fromCode };

  test("the first refresh makes them, and claims obey them", async () => {
    const made = await start({ concurrency: 2 }, [mail]);
    expect(await inForce(made)).toEqual([ofMail, ofNote(2)]);
    await made.tasks.create([
      { type: "note", queue: "mail" },
      { type: "note", queue: "mail" },
      { type: "note" },
    ]);
    expect(await made.worker.tick()).toMatchObject({ completed: 2 });
    expect((await made.tasks.get(2)).task_status).toBe("Not started");
  });

  test("they say how many tasks of them run", async () => {
    const running: number[] = [];
    const made = bed.make({
      doorbell: noteRings(),
      definitions: [
        defineTask({
          type: "note",
          async run() {
            for (const { type, queue, running: now } of await made.operator.listLimits())
              if (type || queue) running.push(now ?? -1);
          },
        }),
      ],
    });
    for (const target of [{ type: "note" }, { queue: "mail" }, { queue: "other" }])
      await made.operator.putLimit(target, { concurrency: 2 });
    const each = await made.operator.putLimit({ concurrency_key: "*" }, { concurrency: 1 });
    expect(each.running).toBeNull();
    await made.tasks.create([{ type: "note", queue: "mail", concurrency_key: "acme" }]);
    await made.worker.tick();
    expect(running).toEqual([1, 0, 1]);
  });

  test("a change stays, and a removal, until the code declares something else", async () => {
    const first = await start({ concurrency: 2 }, [mail]);
    await first.operator.putLimit({ type: "note" }, { concurrency: 7 });
    await first.operator.removeLimit({ queue: "mail" });
    await first.worker.refresh({ readPostgres: true });
    const second = await start({ concurrency: 2 }, [mail]);
    expect(await inForce(second)).toEqual([{ ...ofNote(7), ...changed }]);
    const third = await start({ concurrency: 3 }, [defineLimit({ queue: "mail", concurrency: 1, rate })]);
    expect(await inForce(third)).toEqual([{ ...ofMail, concurrency: 1 }, ofNote(3)]);
    // It declares once: older code that still runs undoes nothing.
    await first.worker.refresh({ readPostgres: true });
    expect(await inForce(first)).toEqual([{ ...ofMail, concurrency: 1 }, ofNote(3)]);
  });

  test("the limit of a type goes with its declaration; that of a queue, and one made over HTTP, stay", async () => {
    const first = await start({ concurrency: 2 }, [mail]);
    await first.operator.putLimit({ queue: "other" }, { concurrency: 4 });
    const stay = [
      ofMail,
      { queue: "other", concurrency: 4, rate: null, weight: null, running: 0, ...changed },
    ];
    const foreign = bed.make({
      doorbell: noteRings(),
      definitions: [defineTask({ type: "its", run: async () => {} })],
    });
    await foreign.worker.refresh();
    expect(await first.operator.listLimits()).toHaveLength(3);
    expect(await inForce(await start())).toEqual(stay);
    await first.operator.putLimit({ type: "note" }, { concurrency: 9 });
    expect(await inForce(await start())).toEqual([...stay, { ...ofNote(9), ...changed }]);
  });

  test("a cache that vouches for itself does not keep a new declaration waiting", async () => {
    const env = { TASK_MAX_UNSEEN_TIME: "3600" };
    await start(undefined, [mail], env);
    const second = await start({ concurrency: 2 }, [mail], env);
    expect(await inForce(second)).toEqual([ofMail, ofNote(2)]);
    expect(await second.worker.refresh()).toMatchObject({ readPostgres: false });
    expect(await inForce(await start(undefined, [], env))).toEqual([ofMail]);
  });

  test("unused they cost nothing; declared already, one query for each process", async () => {
    const costOf = async (...given: Parameters<typeof start>) => {
      bed.counts.reset();
      const made = await start(...given);
      const first = bed.counts.postgres;
      bed.counts.reset();
      await made.worker.refresh({ readPostgres: true });
      return [first, bed.counts.postgres];
    };
    expect(await costOf()).toEqual([1, 1]);
    await start({ concurrency: 2 });
    expect(await costOf({ concurrency: 2 })).toEqual([2, 1]);
  });
});

test.each([
  [{ queue: "mail" }, "at least one of concurrency, rate, weight"],
  [{ concurrency: 1 }, "must name one of type, queue, concurrencyKey"],
  [{ queue: "mail", rate: { starts: 1, periodSeconds: 0 } }, "rate.periodSeconds must be seconds from 0.001"],
  [
    { concurrencyKey: "/7", concurrency: 1 },
    'Limit {"concurrencyKey":"/7","concurrency":1}: concurrencyKey must be a string of 1 to 255 characters that',
  ],
] as const)("%o is refused", (definition, message) => {
  expect(() => defineLimit(definition)).toThrow(
    expect.objectContaining({ code: "bad_definition", message: expect.stringContaining(message) }),
  );
});

describeOnStacks("what cannot be declared", (bed) => {
  test.each([
    [
      noteOf({ concurrency: 0 }),
      [],
      'Limit of type "note": concurrency must be a whole number from 1 to 100000, got 0; to start none, pause it.',
    ],
    [
      noteOf({ rate: { starts: 1, periodSeconds: 0 } }),
      [],
      'Limit of type "note": rate.periodSeconds must be seconds from 0.001 to 2678400, got 0.',
    ],
    [
      noteOf(),
      [1, 2].map((concurrency) => defineLimit({ concurrencyKey: "*", concurrency })),
      'Limit {"concurrencyKey":"*"}: it is declared twice.',
    ],
    [noteOf({ concurrency: 1 }), [defineLimit({ type: "note", concurrency: 1 })], "it is declared twice"],
    [noteOf(), [mail, mail, defineLimit({ queue: "mail", concurrency: 1 })], "it is declared twice"],
    [
      noteOf(),
      [defineLimit({ type: "node", concurrency: 1 })],
      'its type must be one that is defined ("note")',
    ],
  ] as const)("stops the start", (note, limits, message) => {
    expect(() =>
      bed.make({ definitions: definitionsOf({ note, limits: [...limits] }, "./tasks.ts") }),
    ).toThrow(expect.objectContaining({ code: "bad_definition", message: expect.stringContaining(message) }));
  });
});
