/** The steps that stories are drawn from. */
import fc from "fast-check";
import { bulks } from "./bulk.ts";
import type { Work } from "./deployment.ts";
import type { Kind } from "./kinds.ts";
import { laned } from "./lanes.ts";
import { unevenBatches } from "./leaders.ts";
import type { PauseStep, ScheduleStep, Step, TransactionStep, UniqueStep } from "./steps.ts";

const dueInMs = fc.constantFrom(-60_000, 0, 0, 0, 500, 3_000, 20_000, 90_000, 200_000, 6 * 3_600_000);
const work: fc.Arbitrary<Work> = fc.record(
  {
    ms: fc.constantFrom(0, 0, 200, 3_000, 15_000, 40_000),
    fails: fc.constantFrom(0, 0, 1, 5),
    progress: fc.boolean(),
  },
  { requiredKeys: ["ms"] },
);
const slowToStop: fc.Arbitrary<Work> = fc.record({
  ms: fc.constantFrom(15_000, 60_000),
  stubbornMs: fc.constantFrom(0, 2_000, 20_000),
});
const pick = fc.nat(7);

/** Steps that are nobody's fault. */
const ordinary = (dies: boolean): fc.Arbitrary<Step>[] => {
  const death = dies ? { dies: fc.option(fc.integer({ min: 1, max: 80 }), { freq: 4, nil: undefined }) } : {};
  return [
    fc.record({
      do: fc.constant("create" as const),
      count: fc.integer({ min: 1, max: 4 }),
      dueInMs,
      work,
      ...death,
    }) as fc.Arbitrary<Step>,
    fc.record({
      do: fc.constant("create" as const),
      count: fc.integer({ min: 1, max: 2 }),
      dueInMs,
      work,
      ...death,
    }) as fc.Arbitrary<Step>,
    fc.record({ do: fc.constant("move" as const), pick, dueInMs, ...death }) as fc.Arbitrary<Step>,
    fc.record({
      do: fc.constantFrom("remove" as const, "cancel" as const, "retry" as const),
      pick,
      ...death,
    }) as fc.Arbitrary<Step>,
    fc.constant({ do: "refresh" as const }),
  ];
};
const kills: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom("kill" as const, "stop" as const),
  pick,
  ms: fc.constantFrom(200, 2_000, 15_000, 90_000),
});
const deploys: fc.Arbitrary<Step> = fc.constant({ do: "deploy" as const });
/** A task that is due at once. */
function create(work: Work): fc.Arbitrary<Step> {
  return fc.constant({ do: "create", count: 1, dueInMs: 0, work });
}
const stubborn = fc.record({
  do: fc.constant("create" as const),
  count: fc.constant(1),
  dueInMs: fc.constant(0),
  work: slowToStop,
}) as fc.Arbitrary<Step>;
const answers: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("storm" as const),
  of: fc.constantFrom("postgres" as const, "postgres" as const, "redis" as const),
  what: fc.nat(2),
  ms: fc.constantFrom(2_000, 30_000, 120_000),
});
/** Statements are done after their sender gave up waiting for them. */
const late: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("storm" as const),
  of: fc.constant("postgres" as const),
  what: fc.constant(3),
  ms: fc.constantFrom(2_000, 30_000, 120_000),
});
const hands: fc.Arbitrary<Step>[] = [
  fc.record({ do: fc.constant("flag" as const), raise: fc.boolean() }),
  fc.record({ do: fc.constant("run" as const), pick, ms: fc.constantFrom(0, 5_000, 60_000) }),
];
const disasters: fc.Arbitrary<Step>[] = [
  ...hands,
  kills,
  deploys,
  stubborn,
  answers,
  late,
  fc.constant({ do: "flush" as const }),
  fc.record({ do: fc.constant("evict" as const), key: fc.nat(6) }),
  fc.record({
    do: fc.constant("outage" as const),
    of: fc.constantFrom("postgres" as const, "redis" as const),
    ms: fc.constantFrom(500, 5_000, 60_000),
  }),
  fc.record({
    do: fc.constant("storm" as const),
    of: fc.constant("doorbell" as const),
    what: fc.nat(1),
    ms: fc.constantFrom(5_000, 60_000),
  }),
  fc.record({ do: fc.constant("insert" as const), dueInMs, tells: fc.boolean() }),
];

/** A task that fails after its lease was renewed, and one that takes long. */
const failsLate = create({ ms: 25_000, fails: 1 });
const takesLong = create({ ms: 40_000 });

/** Tasks that only the newer code knows. */
const fresh = fc.record({
  do: fc.constant("create" as const),
  count: fc.integer({ min: 1, max: 3 }),
  dueInMs,
  work,
  fresh: fc.constant(true),
}) as fc.Arbitrary<Step>;
/** Many short tasks, that run in batches. */
const short = fc.record({
  do: fc.constant("create" as const),
  count: fc.integer({ min: 3, max: 20 }),
  dueInMs: fc.constantFrom(-60_000, 0, 0, 3_000, 90_000),
  work: fc.record(
    {
      ms: fc.constantFrom(0, 0, 0, 20, 150, 3_000),
      fails: fc.constantFrom(0, 0, 0, 1),
      progress: fc.boolean(),
    },
    { requiredKeys: ["ms"] },
  ),
  short: fc.constant(true),
}) as fc.Arbitrary<Step>;
/** Many at once, of which some end as dead. */
const crowd = fc.record({
  do: fc.constant("create" as const),
  count: fc.integer({ min: 6, max: 12 }),
  dueInMs: fc.constantFrom(0, 0, 90_000, 6 * 3_600_000),
  work: fc.record({ ms: fc.constantFrom(0, 0, 200, 3_000), fails: fc.constantFrom(0, 5) }),
}) as fc.Arbitrary<Step>;
const unique = fc
  .record({
    keys: fc.array(fc.nat(1), { minLength: 1, maxLength: 4 }),
    for: fc.constantFrom("waiting" as const, "waiting" as const, "unfinished" as const, 20),
    onConflict: fc.constantFrom("keep" as const, "replace" as const, "postpone" as const),
    twice: fc.boolean(),
  })
  .map((one): UniqueStep => (typeof one.for === "number" ? { ...one, onConflict: "keep" as const } : one));
const withKeys = fc.record({
  do: fc.constant("create" as const),
  count: fc.constant(1),
  dueInMs,
  work,
  unique,
}) as fc.Arbitrary<Step>;
const inLine = laned(dueInMs, work) as fc.Arbitrary<Step>;
const inLineSoon = laned(fc.constantFrom(0, 0, 3_000), fc.constant({ ms: 20 })) as fc.Arbitrary<Step>;
/** A row, and the hook that tells of it before it is there. */
const nudge = fc.record({
  do: fc.constant("insert" as const),
  dueInMs: fc.constantFrom(-60_000, 0, 0, 3_000, 90_000, 200_000),
  tells: fc.constant(true),
  commitsAfterMs: fc.constantFrom(0, 5, 100, 2_000, 4_000),
});
const transaction = fc.record({
  do: fc.constant("transaction" as const),
  count: fc.integer({ min: 1, max: 3 }),
  dueInMs: fc.constantFrom(-60_000, 0, 0, 3_000, 90_000, 200_000),
  openMs: fc.constantFrom(0, 0, 5, 100, 4_000, 9_000, 40_000),
  commits: fc.constantFrom(true, true, true, false),
  says: fc.boolean(),
  appDies: fc.option(
    fc.record({
      after: fc.constantFrom("begin" as const, "commit" as const),
      ms: fc.integer({ min: 1, max: 120 }),
    }),
    { freq: 2, nil: undefined },
  ),
}) as fc.Arbitrary<TransactionStep>;
const pause = fc.record({
  do: fc.constant("pause" as const),
  of: fc.constantFrom("all" as const, "work" as const, "work" as const, "short" as const),
  ms: fc.constantFrom(100, 1_000, 10_000, 45_000, 200_000, 900_000),
  dies: fc.option(fc.integer({ min: 1, max: 80 }), { freq: 5, nil: undefined }),
  resumerDies: fc.option(fc.integer({ min: 1, max: 80 }), { freq: 3, nil: undefined }),
}) as fc.Arbitrary<PauseStep>;
const schedule = fc
  .record({
    do: fc.constant("schedule" as const),
    of: fc.nat(1),
    everySeconds: fc.constantFrom(10, 45, 300),
    overlap: fc.constantFrom("allow" as const, "skip" as const, "queue" as const),
    catchUp: fc.constantFrom("none" as const, "last" as const, "all" as const),
    paused: fc.constantFrom(false, false, false, true),
    work: fc.record({ ms: fc.constantFrom(0, 0, 1_000, 25_000), fails: fc.constantFrom(0, 0, 0, 1) }),
  })
  // All that begins has to find a slot.
  .map((one) =>
    one.overlap === "allow" ? { ...one, work: { ms: one.work.ms % 25_000 } } : one,
  ) as fc.Arbitrary<ScheduleStep>;
const standstill: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("stop" as const),
  pick,
  ms: fc.constantFrom(5_000, 15_000, 65_000, 90_000),
});

/** Changes of few tasks that overtake each other, and refreshes. */
const hurry: fc.Arbitrary<Step>[] = (["create", "move", "move", "refresh", "refresh"] as const).map(
  (what): fc.Arbitrary<Step> => {
    if (what === "refresh") return fc.constant({ do: what });
    const dueInMs = fc.constantFrom(3_000, 20_000, 90_000, 200_000);
    return what === "move"
      ? fc.record({ do: fc.constant(what), pick: fc.nat(1), dueInMs })
      : fc.record({ do: fc.constant(what), count: fc.constant(1), dueInMs, work: fc.constant({ ms: 0 }) });
  },
);

/** What may happen in stories of a kind; each as likely as the others. */
export const stepsOf: Record<Kind, fc.Arbitrary<Step>[]> = {
  calm: ordinary(false),
  hurry,
  deploys: [...ordinary(false), deploys, stubborn],
  answers: [...ordinary(false), short, answers, answers],
  late: [...ordinary(false), short, late, late],
  crashes: [...ordinary(true), short, short, kills, kills, fc.constant({ do: "flush" as const })],
  hands: [...ordinary(false), short, ...hands, ...hands],
  versions: [...ordinary(false), fresh, fresh],
  nudges: [...ordinary(false), nudge, nudge],
  transactions: [create({ ms: 0 }), transaction, transaction],
  pauses: [...ordinary(false), short, pause, pause],
  schedules: [short, schedule, schedule, kills, fc.constant({ do: "refresh" })],
  lanes: [...ordinary(false), inLine, inLine, inLine, short, kills],
  lines: [...ordinary(false), short, inLine, ...Array(5).fill(inLineSoon)],
  bulk: [...ordinary(false).slice(2), short, crowd, crowd, ...Array(4).fill(bulks(true)), answers, kills],
  sweeps: [...ordinary(false).slice(2), short, crowd, crowd, ...Array(3).fill(bulks(false))],
  keys: [...ordinary(false).slice(2), withKeys, withKeys, withKeys, withKeys, answers, kills],
  starved: [...ordinary(false), short, short, standstill, standstill, deploys],
  outages: [
    ...ordinary(false).slice(0, 2),
    fc.record({
      do: fc.constant("outage" as const),
      of: fc.constantFrom("postgres" as const, "both" as const),
      ms: fc.constant(600_000),
    }),
  ],
  batches: [...ordinary(false), short, short, short, short, deploys],
  leaders: unevenBatches,
  retries: [failsLate, takesLong, takesLong],
  clocks: [...ordinary(false), kills],
  everything: [...ordinary(true), ...ordinary(true), withKeys, withKeys, short, short, pause, ...disasters],
};
