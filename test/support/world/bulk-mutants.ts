/** What if an operation on many tasks went on, or took what it does not mean, or told nobody? */
import { core, type Mutant } from "./mutant.ts";

export const bulkMutants: Mutant[] = [
  {
    name: "who goes on with an operation does not look whether it was cancelled, or somebody else does",
    kind: "bulk",
    changes: [
      core(
        "store/bulk.ts",
        "and task_status = 'Running' and attempts = :attempt and not cancel_requested)",
        "and :attempt > 0)",
      ),
    ],
  },
  {
    name: "an operation takes what has finished since it was asked for",
    kind: "bulk",
    changes: [core("store/bulk.ts", 'mayHaveFinished ? FINISHED_BEFORE : ""', '""')],
  },
];
