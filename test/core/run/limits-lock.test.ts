/** A limit that was set is obeyed by whoever claims, also by those that were under way when it was set. */
import { expect, test } from "vitest";
import { BATCH } from "../../../packages/core/store/batch.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { inMs, statuses } from "../../support/bed/look.ts";
import { connectBeside } from "../../support/bed/second-connection.ts";
import { gated, noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

/** What the worker of a batch sends that has run task 2 in slot 1: it leases two more. */
const SETTLE_AND_LEASE = BATCH({
  tokens: ["batch"],
  ...{ ids: [2], results: ["null"], lateness: [""], started: [0], finished: [0], others: [] },
  ...{ leader: null, slot: 1, slots: 2, newToken: "batch/2", leaseMs: 60_000, count: 2, held: 0 },
  ...{ types: ["note"], sizes: [2], bytes: 1_000_000, ours: ["note"], whole: true },
});

describeOnStacks("a limit that is set beside claims", (bed) => {
  // The embedded Postgres has one connection: nothing is ever under way beside something else.
  test.skipIf(bed.kind === "embedded")(
    "waits for those under way, and is not exceeded by one that came meanwhile",
    async () => {
      const [long, note] = [gated("long"), noting("note")];
      const { tasks, operator, worker } = bed.make({
        doorbell: noteRings(),
        definitions: [long.definition, note.definition],
        env: { TASK_CONCURRENCY: "2" },
      });
      // Something is in line, though not now: so the function starts tasks, and batches lease beside it.
      await tasks.create([
        { type: "long" },
        ...Array.from({ length: 4 }, () => ({ type: "note" })),
        { type: "note", queue: "later", scheduled_time: inMs(3_600_000) },
      ]);
      const ticking = worker.tick();
      await eventually(() => long.starts.length === 1);

      const beside = await connectBeside(bed);
      const waitingForLock = async () =>
        (
          await bed.sql(
            "select pid from pg_locks where not granted and relation = 'tickwork_pauses'::regclass",
          )
        ).length;
      let isPut = false;
      try {
        await beside.query(`update "baasix_Tasks" set task_status = 'Running', slot = 1, lease_token = 'batch', attempts = 1,
          started_at = now(), lease_expires_at = now() + interval '1 minute' where id = 2`);
        await beside.query("begin");
        await beside.query(SETTLE_AND_LEASE.text, [...(SETTLE_AND_LEASE.params ?? [])]);
        const putting = operator.putLimit({ type: "note" }, { concurrency: 2 }).finally(() => {
          isPut = true;
        });
        await eventually(async () => isPut || (await waitingForLock()) === 1);
        expect(isPut).toBe(false);
        // The other worker settles, and claims in the same statement, which does not yet see what the batch has leased.
        long.starts[0]?.finish();
        await eventually(async () => (await waitingForLock()) === 2);
        await beside.query("commit");
        await putting;
      } finally {
        await beside.end();
      }
      expect(await ticking).toMatchObject({ completed: 1 });
      expect(note.ran).toEqual([]);
      expect(await statuses(bed)).toEqual([
        "Completed",
        "Completed",
        "Running",
        "Running",
        "Not started",
        "Not started",
      ]);
    },
  );
});
