/** What docs/schedules.md says of its schedule is what it does. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createTestTickwork } from "#testing";
import { writeProgram } from "../support/documents.ts";

const folder = writeProgram("docs/schedules.md");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the report of each night is there, also when clocks change", async () => {
  const { report, nightly } = await import(join(folder, "tasks.ts"));
  await using tickwork = await createTestTickwork({
    definitions: [report],
    schedules: [nightly],
    now: "2026-10-24T12:00:00Z",
  });
  await tickwork.advance("2 days");
  const done = await tickwork.enqueued();
  expect(done.slice(0, 2).map(({ schedule_time, result_data }) => [schedule_time, result_data])).toEqual([
    ["2026-10-25T02:00:00.000Z", { of: "sales", day: "2026-10-25" }],
    ["2026-10-26T02:00:00.000Z", { of: "sales", day: "2026-10-26" }],
  ]);
});
