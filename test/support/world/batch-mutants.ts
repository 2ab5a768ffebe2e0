/** What of a batch is taken away. */
import { BATCH_FUNCTION } from "../../../packages/core/store/schema/batch-function.ts";
import { core, type Mutant } from "./mutant.ts";

/** The function is in the database, which stories of all mutants share. */
function schema(from: string, to: string): NonNullable<Mutant["schema"]> {
  if (!BATCH_FUNCTION.includes(from)) throw new Error(`tickwork_batch must contain ${from}`);
  return { break: BATCH_FUNCTION.replaceAll(from, to), mend: BATCH_FUNCTION };
}

export const batchMutants: Mutant[] = [
  {
    name: "batches: renewing does not need a token",
    kind: "crashes",
    changes: [
      core(
        "store/fragments.ts",
        "lease_token = any(:tokens) and task_status = 'Running'",
        ":tokens is not null and task_status = 'Running'",
      ),
    ],
  },
  {
    name: "batches: settling does not need the token",
    kind: "starved",
    changes: [],
    schema: schema(
      "where t.id = e.id and nullif(lease_token = any(my_tokens) and task_status = 'Running', false) is not null",
      "where t.id = e.id",
    ),
  },
  {
    name: "batches: the slot of the leader is not handed on",
    kind: "leaders",
    changes: [
      core(
        "run/batch/send.ts",
        "going.has(leases.leader) ? leases.last(new Set([...going, ...(beside?.ids ?? [])])) : leases.leader",
        "going.has(leases.leader) ? undefined : leases.leader",
      ),
    ],
  },
  {
    name: "batches: a claim counts slots, and no leases",
    kind: "leaders",
    changes: [
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
    changes: [core("run/batch/batch.ts", "this.#batching.size) - held;", "this.#batching.size);")],
    schema: schema("n + holding <= fitting", "n <= fitting"),
  },
];
