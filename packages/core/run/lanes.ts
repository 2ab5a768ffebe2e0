/** What a tick tells the gate of the lanes. A claim knows when something may start; this says that it is to be asked. */
import { isLaned, LANES, lanedAt } from "../tasks/standing.ts";
import type { Outcome, Task } from "../tasks/task.ts";
import type { Settled } from "./exactly-once.ts";
import type { Flag } from "./flag.ts";

/** Something laned may start, and a slot is free: tells the gate at once, and rings. */
export function lanesAreDue(flag: Flag): void {
  flag.note(lanedAt(0, 0));
  flag.renew();
}

/** A task was settled: what its limits held back may start now, or itself later. */
export async function tellLanes(
  flag: Flag,
  task: Task,
  { took, standing, next, more, outcome }: Settled & { outcome: Outcome },
): Promise<void> {
  if (more) lanesAreDue(flag);
  else if (!next) flag.note(lanedAt(0, 0));
  if (!took || !isLaned(task) || standing.kind !== "foreign") return;
  const delayMs = "delayMs" in outcome ? outcome.delayMs : undefined;
  flag.note(lanedAt(standing.atMs, delayMs ?? 0));
  await flag.waitsAgain({ ...standing, id: LANES, kind: "waiting" }, outcome, next !== undefined);
}
