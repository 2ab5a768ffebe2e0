/** What is known of a run when it is over. */
import type { AuditedLease, FinalRow } from "./audit.ts";
import type { Acknowledged } from "./client.ts";
import type { Fault } from "./faults.ts";
import type { Life } from "./fleet.ts";
import type { JournalLine } from "./handler-journal.ts";
import type { Outage } from "./probe.ts";

export interface Facts {
  slots: number;
  leaseMs: number;
  acknowledged: ReadonlyMap<number, Acknowledged>;
  rows: readonly FinalRow[];
  leases: readonly AuditedLease[];
  lives: readonly (Life & { lines: readonly JournalLine[]; lastWords: string })[];
  /** When Postgres did not answer, as it was measured. */
  outages: readonly Outage[];
  faults: readonly Fault[];
}

/** A handler that ran, from the journal. */
export interface Execution {
  task: number;
  rev: number;
  slot: number;
  attempt: number;
  startedAt: number;
  endedAt?: number;
  how?: JournalLine["how"];
  life: Facts["lives"][number];
}

/** What the handlers of a life did, by its journal. */
export function executionsOf(life: Facts["lives"][number]): Execution[] {
  const found: Execution[] = [];
  const open = new Map<string, Execution>();
  for (const { event, at, task = 0, rev = 0, slot = -1, attempt = 0, how } of life.lines) {
    const key = `${task}:${rev}`;
    if (event === "start") {
      const execution: Execution = { task, rev, slot, attempt, startedAt: at, life };
      open.set(key, execution);
      found.push(execution);
    }
    if (event === "end") Object.assign(open.get(key) ?? {}, { endedAt: at, how });
  }
  return found;
}
