/** What the API takes and answers about pauses. */
import * as v from "valibot";
import { mustBe, quote } from "../../core/errors.ts";
import { NAME_LIMIT, PAUSE_REASON_LIMIT } from "../../core/limits.ts";
import { accepts, storable } from "../../core/tasks/accepts.ts";
import { PAUSE_KINDS } from "../../core/tasks/pause.ts";

const KINDS = PAUSE_KINDS.join(", ");

const textUpTo = (limit: number) => {
  const message = accepts(`a string of 1 to ${limit} characters`);
  return v.pipe(v.string(message), v.minLength(1, message), v.maxLength(limit, message), storable);
};
const name = textUpTo(NAME_LIMIT);
const reason = v.optional(
  v.nullable(v.pipe(textUpTo(PAUSE_REASON_LIMIT), v.description("Why, for people."))),
);

export const PauseRequestSchema = v.union(
  [
    v.strictObject({ type: name, reason }),
    v.strictObject({ queue: name, reason }),
    v.strictObject({ concurrency_key: name, reason }),
    v.strictObject({ all: v.literal(true), reason }),
  ],
  ({ input }) =>
    `the body ${mustBe(`an object with one of ${KINDS}, of which all is true, and perhaps a reason`, input)}`,
);

export const ResumeQuerySchema = v.pipe(
  v.strictObject(
    {
      type: v.optional(name),
      queue: v.optional(name),
      concurrency_key: v.optional(name),
      all: v.optional(
        v.pipe(
          v.picklist(["true"], accepts("true")),
          v.transform(() => true as const),
        ),
      ),
    },
    `is not known here; one of ${KINDS} can be given`,
  ),
  v.check(
    (given) => PAUSE_KINDS.filter((kind) => given[kind] !== undefined).length === 1,
    ({ input }) => `the request must name one of ${KINDS}, got ${quote(input)}`,
  ),
);

export const PauseSchema = v.pipe(
  v.object({
    all: v.exactOptional(v.literal(true)),
    type: v.exactOptional(v.string()),
    queue: v.exactOptional(v.string()),
    concurrency_key: v.exactOptional(v.string()),
    reason: v.nullable(v.string()),
    created_at: v.pipe(v.string(), v.isoTimestamp()),
    created_by: v.exactOptional(
      v.pipe(
        v.nullable(v.string()),
        v.description(
          "Who paused it, or gave it this reason: Tickwork-User, or the name of the key. Absent in the health, which needs no key.",
        ),
      ),
    ),
  }),
  v.description("What is paused, why, since when and by whom."),
);
export const PausesSchema = v.pipe(
  v.array(PauseSchema),
  v.description("Of a task that waits, what holds it back; of the whole, what is paused."),
);
export const ResumedSchema = v.object({
  resumed: v.pipe(v.boolean(), v.description("Whether it was paused.")),
});
