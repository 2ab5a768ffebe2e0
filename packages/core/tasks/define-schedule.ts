import { describeIssues, type Issue, mustBe, quote, TickworkError } from "../errors.ts";
import { flawsOfName, flawsOfTimes } from "./check-times.ts";
import type { DataOf, TaskDefinition } from "./define-task.ts";
import { CATCH_UPS, type CatchUp, type DeclaredSchedule, OVERLAPS, type Overlap } from "./schedule.ts";

/** A schedule in code: what `defineSchedule` takes. */
export interface ScheduleDefinition<Definition extends TaskDefinition = TaskDefinition> {
  /** 1 to 255 characters. */
  name: string;
  /** Five fields, or six with seconds first: `0 9 * * MON-FRI`. Either this or `everySeconds`. */
  cron?: string;
  /** Every so many seconds, 1 to 366 days. */
  everySeconds?: number;
  /** Of `cron`: a name of the IANA database such as `Europe/Berlin`. Default `UTC`. */
  timeZone?: string;
  /** What runs: a definition, or the name of its type. */
  type: Definition | Definition["type"];
  /** Its `task_data`. */
  data?: DataOf<Definition>;
  /**
   * Occurrences that had not started 15 minutes after their time: `none` of them runs, the `last` one, or `all` (of
   * those that were not even made, the latest 1,000). Default `last`.
   */
  catchUp?: CatchUp;
  /**
   * An occurrence that comes while the one before has not ended: `allow` runs it, `skip` ends it without running it,
   * `queue` has it wait. Default `allow`.
   */
  overlap?: Overlap;
}

/**
 * Declares a recurring task. Export it beside the definitions of your tasks, or list it among `definitions`. When a
 * deployment starts, its first refresh makes the schedule, changes it to what is declared, or removes it once it is
 * declared no more.
 *
 * @throws TickworkError `bad_definition` when one of its options is not usable; whether its data are, its type says later
 * @example
 * const report = defineTask({ type: "report", run: async () => {} });
 * const nightly = defineSchedule({
 *   name: "nightly report",
 *   cron: "0 3 * * *",
 *   timeZone: "Europe/Berlin",
 *   type: report,
 *   overlap: "skip",
 * });
 */
export function defineSchedule<Definition extends TaskDefinition = TaskDefinition>({
  name,
  cron,
  everySeconds,
  timeZone,
  type,
  data,
  catchUp,
  overlap,
  ...others
}: ScheduleDefinition<Definition>): DeclaredSchedule {
  const typeName: unknown = typeof type === "object" ? type?.type : type;
  const given = {
    cron,
    every_seconds: everySeconds,
    time_zone: timeZone,
    type: typeName as Definition["type"],
    task_data: data,
    catch_up: catchUp,
    overlap,
  };
  const flaws = [
    ...flawsOfName(name),
    ...flawsOfTimes(given, { cron: "cron", every: "everySeconds", zone: "timeZone" }, 0),
    ...(typeof typeName === "string"
      ? []
      : [{ path: "type", message: mustBe("a definition, or the name of its type", type) }]),
    ...flawsOfChoice("catchUp", CATCH_UPS, catchUp),
    ...flawsOfChoice("overlap", OVERLAPS, overlap),
    // Such as those of HTTP: a time_zone that nobody reads would have it run at another hour.
    ...Object.keys(others).map((path) => ({ path, message: `is not known here; ${OPTIONS} can be given` })),
  ];
  if (flaws.length > 0)
    throw new TickworkError("bad_definition", `Schedule ${quote(name)}: ${describeIssues(flaws)}.`);
  return { tickworkSchedule: true, name, given };
}

const OPTIONS = "name, cron, everySeconds, timeZone, type, data, catchUp and overlap";

function flawsOfChoice(path: string, choices: readonly string[], given: string | undefined): Issue[] {
  if (given === undefined || choices.includes(given)) return [];
  return [{ path, message: mustBe(`one of ${choices.map(quote).join(", ")}`, given) }];
}
