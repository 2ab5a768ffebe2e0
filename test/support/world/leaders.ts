/**
 * Batches whose leader ends long before others do, while its tick has lost the flag. Whoever comes then is kept away by
 * Postgres alone: by the slot, which the leader hands on, and where another program ended the leader, by the leases.
 */
import fc from "fast-check";
import { processOf } from "./row-watcher.ts";
import type { Step } from "./steps.ts";
import type { StoryParts } from "./story.ts";

/** A batch that leases no more, for nothing else is due: some of its tasks end at once, and then others take long. */
const uneven = fc.record({
  do: fc.constant("create" as const),
  count: fc.integer({ min: 3, max: 9 }),
  dueInMs: fc.constantFrom(-60_000, 0, 0, 500),
  work: fc.record({
    ms: fc.constantFrom(400, 1_500, 3_000, 8_000),
    stubbornMs: fc.constantFrom(0, 0, 2_000),
  }),
  short: fc.constant(true),
  quick: fc.integer({ min: 1, max: 4 }),
}) as fc.Arbitrary<Step>;

/** Somebody deletes the flag, and what is due a moment later makes a tick come. */
const intrusion = fc.record({
  do: fc.constant("create" as const),
  count: fc.constant(1),
  dueInMs: fc.constant(0),
  work: fc.record({ ms: fc.constantFrom(0, 200, 3_000) }),
  unflagged: fc.constant(true),
}) as fc.Arbitrary<Step>;

const foreign: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("run" as const),
  pick: fc.nat(7),
  ms: fc.constantFrom(0, 5_000),
});
const finish = fc.record({ do: fc.constant("finish" as const), slot: fc.constant(0) });
const cancel = fc.record({ do: fc.constant("cancel" as const), pick: fc.nat(15) }) as fc.Arbitrary<Step>;

const deploy: fc.Arbitrary<Step> = fc.constant({ do: "deploy" });

/** Another program ends the task that has a slot. The rest of its batch is stopped, as after a lost lease. */
export async function finishLeader({ postgres, watcher }: StoryParts, slot: number): Promise<void> {
  const rows = await postgres.runForeign(
    `update "baasix_Tasks" t set task_status = 'Completed' from "baasix_Tasks" was
      where was.id = t.id and t.slot = $1 and t.task_status = 'Running' returning was.lease_token as token`,
    [String(slot)],
  );
  for (const { token = null } of rows) watcher.robbed.add(processOf({ token }) ?? "");
}

export const unevenBatches = [
  ...[uneven, uneven, uneven, intrusion, intrusion, intrusion, finish, finish],
  ...[foreign, cancel, deploy],
];
