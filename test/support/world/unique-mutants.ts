/** What if unique keys were not kept as they are? */
import { createIndex } from "../../../packages/core/store/build-index.ts";
import { UNIQUE } from "../../../packages/core/store/unique-function.ts";
import { core, type Mutant } from "./mutant.ts";

const NEEDS_IT_AGAIN = UNIQUE.on.replace(" and started_at is null", "");

export const uniqueMutants: Mutant[] = [
  {
    name: "a task that waits for its next attempt needs its unique key again",
    kind: "keys",
    changes: [],
    schema: {
      break: `drop index tickwork_unique; ${createIndex({ ...UNIQUE, on: NEEDS_IT_AGAIN })}`,
      mend: `drop index tickwork_unique; ${createIndex(UNIQUE)}`,
    },
  },
  {
    name: "a repeated request is not told what became of its unique keys",
    kind: "keys",
    changes: [core("store/insert.ts", "known.outcomes ? { outcomes: known.outcomes } : {}", "{}")],
  },
  {
    name: "what a unique key had replaced or postponed is not told to the cache",
    kind: "keys",
    changes: [
      core(
        "services/announce.ts",
        "[...freed, ...tasks].map((task) => [task.id, task])",
        '[...freed, ...tasks.filter((_, n) => (outcomes[n] ?? "created") === "created")].map((task) => [task.id, task])',
      ),
    ],
  },
];
