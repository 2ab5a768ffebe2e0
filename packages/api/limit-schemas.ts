/** What the API takes and answers about lines and limits. */
import * as v from "valibot";

/** Of a task. */
export const laneFields = {
  priority: v.pipe(v.nullable(v.number()), v.description("From -100 to 100; null is 0.")),
  queue: v.pipe(v.nullable(v.string()), v.description("The named line in which it stands.")),
  concurrency_key: v.pipe(v.nullable(v.string()), v.description("Whose task it is.")),
  lane: v.pipe(
    v.nullable(v.string()),
    v.description("Opaque. Tasks with the same one start in order; null: it starts by its due time alone."),
  ),
};
