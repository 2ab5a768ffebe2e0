/** Tells the cache, the log and the metrics of what a batch settled. */
import type { EndsSettled } from "./settle.ts";
import type { BatchTick } from "./tick.ts";

export interface Teller {
  readonly count: number;
  /** @param goesOn whether the tick goes on after them */
  add(ends: EndsSettled["ends"], goesOn: boolean): void;
  tellAll(): Promise<void>;
}

/** Gathers what is to be told, for while more is to be sent to Postgres, that goes first. */
export function createTeller({ flag, tally }: BatchTick): Teller {
  const untold: { ends: EndsSettled["ends"]; goesOn: boolean }[] = [];
  const tell = async ({ ended, took, standing }: EndsSettled["ends"][number], goesOn: boolean) => {
    const { task, outcome, startedMs, endedMs, lateness } = ended;
    flag.note(standing);
    if (startedMs === undefined && outcome.kind === "given_back") tally.giveBack(task);
    else
      tally.count(task, {
        outcome: took ? outcome : undefined,
        durationMs: endedMs - (startedMs ?? endedMs),
        lateness,
      });
    if (took && standing.kind === "waiting") await flag.waitsAgain(standing, outcome, goesOn);
  };
  return {
    get count() {
      return untold.length;
    },
    add: (ends, goesOn) => void untold.push({ ends, goesOn }),
    async tellAll() {
      for (const { ends, goesOn } of untold.splice(0)) for (const one of ends) await tell(one, goesOn);
      flag.renewIfDue();
    },
  };
}
