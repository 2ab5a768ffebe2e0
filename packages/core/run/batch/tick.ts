/** What a batch has of the tick that runs it. */
import type { Clock } from "../../clock.ts";
import type { TickEvent } from "../../doorbell/doorbell.ts";
import type { Logger } from "../../log.ts";
import type { Store } from "../../store/store.ts";
import type { AttemptDeps } from "../attempt.ts";
import type { Flag } from "../flag.ts";
import type { Before } from "../lateness.ts";
import type { Tally } from "../tally.ts";
import type { TimeLimit } from "../time-limit.ts";
import type { BatchSettleDeps } from "./settle.ts";

export interface BatchDeps extends Omit<AttemptDeps, "store">, Omit<BatchSettleDeps, "store"> {
  store: Pick<Store, "settleBatch" | "readBack" | "renewBatch">;
  clock: Clock;
  log: Logger;
  newToken: () => string;
}

/** The tick that runs a batch. */
export interface BatchTick {
  readonly deps: BatchDeps;
  readonly flag: Flag;
  readonly limit: TimeLimit;
  readonly tally: Tally;
  readonly event: TickEvent;
  readonly refreshed: boolean;
  attempts: number;
  previous: Before["previous"];
}
