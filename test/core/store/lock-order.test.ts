/** The statements of a batch lock its rows by their ids, as an operation on many tasks does. */
import { expect, test } from "vitest";
import type { BatchEnd } from "../../../packages/core/store/batch.ts";
import { createStore } from "../../../packages/core/store/store.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { connectBeside } from "../../support/bed/second-connection.ts";
import { noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

const WAITING =
  "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

describeOnStacks("a batch whose tasks somebody else is at", (bed) => {
  /** A batch of the tasks 1 to 3, of which the last one has the slot. */
  const make = async () => {
    const { definition } = noting();
    const { database, tasks } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    const created = await tasks.create(Array.from({ length: 3 }, () => ({ type: "note" })));
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running', slot = case when id = 3 then 0 end, attempts = 1,
      lease_token = 'batch', started_at = now(), lease_expires_at = now() + interval '1 minute'`);
    const types = { ours: ["note"], foreign: [] };
    const deps = { database, leaseMs: 60_000, slots: 1, maxCrashes: 3, cacheLimit: 10, types };
    return { store: createStore(deps), created };
  };
  type Made = Awaited<ReturnType<typeof make>>;

  const settle = (kind: "completed" | "given_back") => {
    return async ({ store, created }: Made) => {
      const outcome = kind === "completed" ? { kind, result: null } : ({ kind } as const);
      const ends = [...created].reverse().map((task): BatchEnd => {
        return { task, outcome, lateness: undefined, startedAgoMs: 0, endedAgoMs: 0 };
      });
      const request = { slot: 0, tokens: ["batch"], ends, leader: undefined, next: undefined };
      const { settled } = await store.settleBatch(request, { types: [], sizes: [] });
      return settled.size;
    };
  };

  // The embedded Postgres has one connection.
  test.skipIf(bed.kind === "embedded").each<[string, (made: Made) => Promise<number | undefined>]>([
    [
      "is renewed",
      async ({ store }) => (await store.renewBatch({ leader: 3, tokens: ["batch"] }))?.standings.length,
    ],
    ["is settled", settle("completed")],
    ["is given back", settle("given_back")],
  ])("waits for the first of them and holds none when it %s", async (_, write) => {
    const made = await make();
    const beside = await connectBeside(bed);
    try {
      await beside.query(`begin; select from "baasix_Tasks" where id = 1 for update`);
      const writing = write(made);
      await eventually(async () => (await bed.sql(WAITING)).length > 0);
      await beside.query(`select from "baasix_Tasks" where id > 1 order by id for update nowait`);
      await beside.query("commit");
      expect(await writing).toBe(3);
    } finally {
      await beside.end();
    }
  });
});
