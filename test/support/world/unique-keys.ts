/** Requests whose unique keys meet, and their repetitions. */
import type { Tickwork } from "#core";
import type { Work } from "./deployment.ts";
import type { UniqueStep } from "./steps.ts";
import type { Story, StoryParts } from "./story.ts";

/** What callers do at the same time. */
export function uniqueRequests(
  { world, postgres }: StoryParts,
  { keys, for: unique_for, onConflict: on_conflict, twice }: UniqueStep,
  at: Date,
  work: Work,
  { acknowledged }: Pick<Story, "acknowledged">,
): ((tickwork: Tickwork) => Promise<void>)[] {
  const given = keys.map((n) => ({
    ...{ type: "work", scheduled_time: at, task_data: work },
    ...{ unique_key: `key ${n}`, unique_for, on_conflict },
    ...(on_conflict === "postpone" ? { longest_wait_seconds: 300 } : {}),
  }));
  const idempotencyKey = twice ? `request at ${world.nowMs}, ${world.random()}` : undefined;
  const outcomes = new Set<string>();
  const create = async ({ tasks }: Tickwork) => {
    const answered = await tasks.create(given, { idempotencyKey });
    for (const { id } of answered) acknowledged.add(id);
    outcomes.add(JSON.stringify(answered.map(({ id, unique_outcome }) => [id, unique_outcome])));
    if (twice && outcomes.size > 1)
      world.violate(`a repetition said what the request had not: ${[...outcomes].join(" and ")}`);
  };
  // Whoever has no answer asks again, and is told of the task that has the key: it has to run all the same.
  const insist = (tickwork: Tickwork) =>
    create(tickwork).catch(async (error: unknown) => {
      if (!postgres.up) throw error;
      await create(tickwork);
    });
  return twice ? [insist, insist] : [insist];
}
