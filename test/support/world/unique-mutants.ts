/** What if unique keys were not kept as they are? */
import { core, type Mutant } from "./mutant.ts";

export const uniqueMutants: Mutant[] = [
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
