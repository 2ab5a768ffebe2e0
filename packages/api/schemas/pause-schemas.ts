/** What the API takes and answers about pauses. */
import * as v from "valibot";
import { NAME_LIMIT, PAUSE_REASON_LIMIT } from "../../core/limits.ts";
import { accepts, noList } from "../../core/tasks/accepts.ts";
import { PAUSE_KINDS } from "../../core/tasks/pause.ts";
import { onlyThese } from "./query-schemas.ts";
import { mustNameOne, namesOne, oneOfThese, textUpTo } from "./target-schema.ts";

const KINDS = PAUSE_KINDS.join(", ");

const name = textUpTo(NAME_LIMIT);
const reason = v.optional(
  v.nullable(v.pipe(textUpTo(PAUSE_REASON_LIMIT), v.description("Why, for people."))),
);

const targets = { type: v.optional(name), queue: v.optional(name), concurrency_key: v.optional(name) };

export const PauseRequestSchema = v.pipe(
  noList(
    v.strictObject(
      { ...targets, all: v.optional(v.literal(true, accepts("true"))), reason },
      onlyThese(`one of ${KINDS}, and a reason`),
    ),
  ),
  v.check(namesOne(PAUSE_KINDS), mustNameOne(PAUSE_KINDS)),
  v.metadata({ oneOf: oneOfThese(PAUSE_KINDS) }),
);

export const ResumeQuerySchema = v.pipe(
  v.strictObject(
    {
      ...targets,
      all: v.optional(
        v.pipe(
          v.picklist(["true"], accepts("true")),
          v.transform(() => true as const),
        ),
      ),
    },
    `is not known here; one of ${KINDS} can be given`,
  ),
  v.check(namesOne(PAUSE_KINDS), mustNameOne(PAUSE_KINDS)),
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
