import { type Finding, ok, problem } from "./finding.ts";

/** Due times are a server's; a machine that differs by more enqueues for other times than it means. */
const SKEW_LIMIT_MS = 2_000;

/** Asks a server for its time, and compares it with this machine's, as well as the way there allows. */
export async function compareClock(check: string, ask: () => Promise<number>): Promise<Finding> {
  const beforeMs = Date.now();
  const serverMs = await ask();
  const afterMs = Date.now();
  const skewMs = serverMs - (beforeMs + afterMs) / 2;
  const leastMs = Math.abs(skewMs) - (afterMs - beforeMs) / 2;
  if (leastMs <= SKEW_LIMIT_MS) return ok(check, "its clock and this machine's agree");
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  return problem(
    check,
    `its clock is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} this machine's`,
    "synchronise both with NTP (`timedatectl set-ntp true` where systemd runs)",
  );
}
