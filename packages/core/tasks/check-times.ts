/** What may be wrong with the name and the times of a schedule. */
import { type Issue, messageOf, mustBe } from "../errors.ts";
import { CRON_LIMIT, EVERY_SECONDS_LIMIT, NAME_LIMIT } from "../limits.ts";
import type { ScheduleChanges } from "./schedule.ts";
import { timeAfter } from "./schedule-times.ts";
import { isStorable } from "./storable.ts";

/** What the caller calls the fields. */
interface Names {
  cron: string;
  every: string;
  zone: string;
}

const CRON_SHAPE = /^@\w+$|^\S+(\s+\S+){4,6}$/;
const CRON_FORMAT = 'five fields such as "0 9 * * MON-FRI", or six with seconds first';

export function flawsOfName(name: unknown): Issue[] {
  const isName = typeof name === "string" && name.length > 0 && name.length <= NAME_LIMIT && isStorable(name);
  return isName ? [] : [{ path: "name", message: mustBe(`a string of 1 to ${NAME_LIMIT} characters`, name) }];
}

/** @param afterMs it must occur after that */
export function flawsOfTimes(
  { cron, every_seconds: every, time_zone: zone = "UTC" }: ScheduleChanges,
  names: Names,
  afterMs: number,
): Issue[] {
  const issues: Issue[] = [];
  const note = (path: string, message: string) => void issues.push({ path, message });
  const hasCron = cron !== undefined && cron !== null;
  const hasEvery = every !== undefined && every !== null;
  if (hasCron && hasEvery) note(names.every, `cannot be given beside ${names.cron}: one of them says when`);
  if (!hasCron && !hasEvery) note(names.cron, `is missing: give ${names.cron} or ${names.every}`);
  if (hasEvery && !(Number.isInteger(every) && every >= 1 && every <= EVERY_SECONDS_LIMIT))
    note(names.every, mustBe(`a whole number from 1 to ${EVERY_SECONDS_LIMIT}`, every));
  const zoneIs = isZone(zone);
  if (!zoneIs) note(names.zone, mustBe('a time zone of the IANA database, such as "Europe/Berlin"', zone));
  if (hasCron) {
    const flaw = flawOfCron(cron, zoneIs ? zone : "UTC", afterMs);
    if (flaw) note(names.cron, flaw);
  }
  return issues;
}

function flawOfCron(cron: unknown, time_zone: string, afterMs: number): string | undefined {
  if (typeof cron !== "string" || cron.length > CRON_LIMIT || !CRON_SHAPE.test(cron))
    return mustBe(`${CRON_FORMAT}, at most ${CRON_LIMIT} characters`, cron);
  try {
    if (timeAfter({ cron, every_seconds: null, time_zone }, afterMs) === undefined)
      return mustBe("an expression that comes at least once from now on", cron);
  } catch (error) {
    return `${mustBe(CRON_FORMAT, cron)} (${messageOf(error).replace(/^CronPattern: /, "")})`;
  }
  return undefined;
}

function isZone(zone: unknown): zone is string {
  try {
    return typeof zone === "string" && Intl.DateTimeFormat("en", { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
}
