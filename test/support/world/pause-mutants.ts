/** What if a pause did not hold, or its end were not found? */
import { core, type Mutant } from "./mutant.ts";

export const pauseMutants: Mutant[] = [
  {
    name: "nobody looks what is paused",
    kind: "pauses",
    changes: [core("store/fragments.ts", "array['all:', 'type:' || type]", "array['nothing']")],
  },
  {
    name: "who resumes does not arm a ring before",
    kind: "pauses",
    changes: [
      core("services/pauses.ts", "await ringer.ringAfter(RESUMED_LOOK_MS, { askPostgres: true });", ""),
    ],
  },
];
