/** Findings of `tickwork doctor` that no server here can have. */
import { expect, test } from "vitest";
import { compareClock } from "../../packages/cli/doctor/clock.ts";
import { checkNode } from "../../packages/cli/doctor/environment.ts";
import { checkEviction } from "../../packages/cli/doctor/redis.ts";

test("a Node that is too old", () => {
  expect(checkNode("20.18.1")).toMatchObject({ level: "problem", mend: "install Node 20.19 or later" });
  expect(checkNode("24.0.0").level).toBe("ok");
});

test("a clock that goes another way", async () => {
  const by = (ms: number) => compareClock("postgres clock", async () => Date.now() + ms);
  expect((await by(1_000)).level).toBe("ok");
  expect(await by(-60_000)).toMatchObject({
    level: "problem",
    message: expect.stringContaining("60.0 s behind"),
    mend: expect.stringContaining("NTP"),
  });
});

test("an Upstash that evicts, with the place of the switch", () => {
  expect(checkEviction("optimistic-volatile", true)).toMatchObject({
    level: "problem",
    mend: expect.stringContaining("Upstash console"),
  });
});
