/** What if the doorbell were not armed as it is for a transaction that enqueues? */
import type { Mutant } from "./mutant.ts";

const connecting = (from: string, to: string) => ({ file: "packages/connect/in-transaction.ts", from, to });

export const transactionMutants: Mutant[] = [
  {
    name: "rule 8: a transaction that enqueues is armed only after its commit",
    kind: "transactions",
    changes: [connecting("if (isNew) await arm(one);", "")],
  },
  {
    name: "rule 8: the ring of a transaction is armed once, however long it is open",
    kind: "transactions",
    changes: [
      connecting("if (one.ringsAtMs - clock.now() < pauseMs + ARM_AGAIN_MS) await arm(one);", ""),
      connecting("if (one.ringsAtMs - clock.now() < ARM_AGAIN_MS) await arm(one);", ";"),
    ],
  },
  {
    name: "rule 8: an armed ring goes by the cache",
    kind: "transactions",
    changes: [connecting('{ askPostgres: true, by: "armed" }', '{ by: "armed" }')],
  },
];
