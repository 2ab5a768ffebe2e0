/** A schedule in code that cannot be is refused where it is defined, in the words of the code. */
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineSchedule, defineTask, type ScheduleDefinition } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noteLog } from "../../support/run/noted-log.ts";

const report = defineTask({
  type: "report",
  data: v.object({ month: v.number() }),
  run: async () => {},
});
const usable = { name: "nightly", cron: "0 3 * * *", type: report };

test.each<[given: object, message: string]>([
  [{ name: "" }, 'Schedule "": name must be a string of 1 to 255 characters, got "".'],
  [{ everySeconds: 60 }, "everySeconds cannot be given beside cron: one of them says when."],
  [{ cron: undefined }, "cron is missing: give cron or everySeconds."],
  [
    { cron: undefined, everySeconds: 0.5 },
    "everySeconds must be a whole number from 1 to 31622400, got 0.5.",
  ],
  [
    { cron: "0 0 31 2 *" },
    'cron must be an expression that comes at least once from now on, got "0 0 31 2 *".',
  ],
  [
    { timeZone: "Europe/Atlantis" },
    'timeZone must be a time zone of the IANA database, such as "Europe/Berlin", got "Europe/Atlantis".',
  ],
  [{ catchUp: "some" }, 'catchUp must be one of "none", "last", "all", got "some".'],
  [{ overlap: true }, 'overlap must be one of "allow", "skip", "queue", got true.'],
  [{ type: undefined }, "type must be a definition, or the name of its type, got undefined."],
  [{ type: 7 }, "type must be a definition, or the name of its type, got 7."],
  [
    { time_zone: "Europe/Berlin" },
    "time_zone is not known here; name, cron, everySeconds, timeZone, type, data, catchUp and overlap can be given.",
  ],
  [{ catchUp: "some", overlap: "never" }, 'got "some"; overlap must be one of'],
])("%o is refused", (given, message) => {
  expect(() => defineSchedule({ ...usable, ...given } as ScheduleDefinition)).toThrow(
    expect.objectContaining({ code: "bad_definition", message: expect.stringContaining(message) }),
  );
});

describeOnStacks("a schedule in code", (bed) => {
  test("whose type is not defined stops the start", () => {
    const schedules = [defineSchedule({ ...usable, type: "rapport" })];
    expect(() => bed.make({ definitions: [report], schedules })).toThrow(
      expect.objectContaining({
        code: "bad_definition",
        message: 'Schedule "nightly": its type must be one that is defined ("report"), got "rapport".',
      }),
    );
  });

  test("whose data its type refuses is told in the log, in the words of the code", async () => {
    const { lines, log } = noteLog();
    const schedules = [defineSchedule({ ...usable, data: { month: "May" as unknown as number } })];
    const { worker } = bed.make({ doorbell: noteRings(), definitions: [report], schedules, log });
    await worker.refresh();
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: "a schedule of the code is refused, and stays as it was",
        schedule: "nightly",
        error: expect.stringMatching(/^data\.month: /),
      }),
    );
  });
});
