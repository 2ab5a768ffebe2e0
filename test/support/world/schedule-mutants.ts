/** What if occurrences of schedules were made or begun in another way? */
import { core, type Mutant } from "./mutant.ts";

export const scheduleMutants: Mutant[] = [
  {
    name: "an occurrence does not ask for its turn",
    kind: "schedules",
    changes: [
      core(
        "store/schedules.ts",
        "not (case s.overlap when 'skip' then b.overlaps when 'queue' then b.goes_on else false end)",
        "s.overlap is not null",
      ),
    ],
  },
  {
    name: "the first of many occurrences does not make those that follow",
    kind: "schedules",
    changes: [
      core(
        "run/occurrences.ts",
        "if (schedule.more_ms !== null && schedule.more_ms <= nowMs) await this.extend(schedule, nowMs);",
        "void [schedule, nowMs];",
      ),
    ],
  },
  {
    name: "a schedule that changes leaves what waited",
    kind: "schedules",
    changes: [
      core(
        "store/schedules.ts",
        "where schedule in (select name from put) and",
        "where schedule is null and",
      ),
    ],
  },
];
