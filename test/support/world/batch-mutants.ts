/** What of a batch is taken away. */
import { core, type Mutant } from "./mutant.ts";

export const batchMutants: Mutant[] = [
  {
    name: "batches: settling does not need a token",
    kind: "crashes",
    changes: [
      core(
        "store/batch.ts",
        "lease_token = any(:tokens) and task_status = 'Running'",
        ":tokens is not null and task_status = 'Running'",
      ),
    ],
  },
  {
    name: "batches: the slot of the leader is not handed on",
    kind: "hands",
    changes: [
      core(
        "run/batch.ts",
        "going.has(leases.leader) ? leases.last(going) : leases.leader",
        "going.has(leases.leader) ? undefined : leases.leader",
      ),
      core(
        "store/fragments.ts",
        `const LEASES = "count(distinct coalesce(split_part(lease_token, '/', 1), id::text))";`,
        'const LEASES = "count(*) filter (where slot is not null or lease_token is null)";',
      ),
    ],
  },
  {
    name: "batches: more is leased than the size allows",
    kind: "batches",
    changes: [
      core("run/batch.ts", "this.#batching.size) - held;", "this.#batching.size);"),
      core("store/batch.ts", "alike and n + :held <= fitting", "alike and n + 0 * :held <= fitting"),
    ],
  },
];
