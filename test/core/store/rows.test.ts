import { expect, test } from "vitest";
import { toTask } from "../../../packages/core/store/rows.ts";

test("a task does not show its lease's token, and keeps the columns that Tickwork does not know", () => {
  expect(toTask({ id: 1, lease_token: "secret", slot: 0, tenant_Id: "t" })).toEqual({
    id: 1,
    slot: 0,
    tenant_Id: "t",
  });
});

test.each([
  ["2026-11-24T09:00:00+00:00", "2026-11-24T09:00:00.000Z"],
  ["2026-11-24T09:00:00.5+00:00", "2026-11-24T09:00:00.500Z"],
  ["2026-11-24T09:00:00.123+00:00", "2026-11-24T09:00:00.123Z"],
  ["2026-11-24T09:00:00.123987+00:00", "2026-11-24T09:00:00.123Z"],
  ["2026-11-24T14:30:00.123456+05:30", "2026-11-24T09:00:00.123Z"],
  ["infinity", "infinity"],
  [null, null],
])("the time %s of a row is %s", (time, expected) => {
  expect(toTask({ id: 1, scheduled_time: time }).scheduled_time).toBe(expected);
  expect(toTask({ id: 1, lease_expires_at: time }).lease_expires_at).toBe(expected);
});
