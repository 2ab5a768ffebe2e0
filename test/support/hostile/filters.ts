/** Filters of tasks as they go together: most of those that are drawn field by field contradict themselves. */
import fc from "fast-check";
import { cursorOfPlace, placeOfCursor } from "../../../packages/api/cursors.ts";
import { BULK_ACTIONS, statusOf, TAKEN_BY, type TaskFilter } from "../../../packages/core/tasks/filter.ts";
import { readSort, sortsFor, type TaskSort } from "../../../packages/core/tasks/sort.ts";

type Drawn = Record<string, unknown>;

/** What is drawn, without what contradicts the rest. */
export function coherent(filter: Drawn): Drawn {
  const left = { ...filter };
  if ("waiting_for_code" in left) delete left.dead;
  if ("waiting_for_code" in left || "dead" in left) delete left.status;
  for (const kind of ["created", "scheduled"]) if (`${kind}_from` in left) delete left[`${kind}_to`];
  return sorted(left);
}

/** A list sorted as tasks of its status may be, from a place in this order. */
function sorted({ sort, ...left }: Drawn): Drawn {
  if (sort === undefined || !sortsFor(statusOf(left as TaskFilter)).includes(sort as TaskSort)) return left;
  const place = placeOfCursor(String(left.cursor))?.place;
  if (!place) return { ...left, sort };
  const at = readSort(sort as TaskSort).by === "created" ? undefined : "2026-11-24T09:00:00.123456+00:00";
  return { ...left, sort, cursor: cursorOfPlace(sort as TaskSort, { ...place, at }) };
}

/** What is done to many tasks: an action, and statuses that it takes. */
export function bulkOf(
  filter: fc.Arbitrary<Drawn>,
  time: fc.Arbitrary<unknown>,
  more: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<unknown> {
  const one = (action: (typeof BULK_ACTIONS)[number]) => {
    const { usual, named } = TAKEN_BY[action];
    const taken = filter.chain((drawn) =>
      fc.constantFrom(...usual, ...named).map((status) => {
        const { dead: _, waiting_for_code: __, ...rest } = coherent(drawn);
        return { ...rest, status };
      }),
    );
    return fc.record({
      action: fc.constant(action),
      filter: taken,
      ...(action === "reschedule" ? { scheduled_time: time } : {}),
      ...more,
    });
  };
  return fc.oneof(...BULK_ACTIONS.map(one));
}

/** Queues and keys: few, so that requests meet the same ones. */
export const lineName = (): fc.Arbitrary<string> => fc.constantFrom("one", "two");

/** One of the targets of a limit, and terms that it may have. */
export function limitOf(types: readonly string[]): fc.Arbitrary<unknown> {
  const terms = fc.oneof(
    fc.record({ concurrency: fc.integer({ min: 1, max: 100 }) }),
    fc.record({
      rate: fc.record({
        starts: fc.integer({ min: 1, max: 100 }),
        period_seconds: fc.constantFrom(0.5, 60),
        burst: fc.boolean(),
      }),
    }),
  );
  const target = fc.oneof(
    fc.record({ type: fc.constantFrom(...types) }),
    fc.record({ queue: lineName() }),
    fc.record({ concurrency_key: lineName() }),
  );
  return fc.oneof(
    fc.tuple(target, terms).map(([to, what]) => ({ ...to, ...what })),
    fc.record({ concurrency_key: lineName(), weight: fc.constantFrom(0.5, 3) }),
  );
}
