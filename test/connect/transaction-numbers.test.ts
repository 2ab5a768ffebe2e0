/** What a transaction that enqueues costs, counted on both wires. */

import { afterEach, expect, test } from "vitest";
import { silent, systemClock } from "#core";
import { createInTransaction } from "../../packages/connect/in-transaction.ts";
import { ARMED_MS } from "../../packages/core/limits.ts";
import { createEncryption } from "../../packages/core/tasks/encryption.ts";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { noting } from "../support/bed/tasks.ts";

const TASKS = 20;
const ARMED = { afterMs: ARMED_MS, event: { askPostgres: true, by: "armed" } };

describeOnStacks("a transaction that enqueues", (bed) => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(() => Promise.all(closing.splice(0).map((close) => close())));

  // What runs in the transaction is sent beside the wires, on the only connection of the embedded Postgres.
  test.runIf(bed.kind === "embedded").each([true, false])(
    "costs as much for many tasks as for one (committed: %s)",
    async (commits) => {
      const doorbell = noteRings();
      const { definition, ran } = noting();
      const { worker, operator, database } = bed.make({ doorbell, definitions: [definition] });
      await worker.refresh();
      doorbell.rings.length = 0;
      const inTransaction = createInTransaction({
        encryption: createEncryption([], () => false),
        ...{ database, doorbell, tell: operator.notifyChanged, clock: systemClock, log: silent },
        postgresTells: false,
      });
      closing.push(inTransaction.close);
      const client = {
        connect: () => {},
        query: async (text: string, params: unknown[]) => ({ rows: await bed.sql(text, params) }),
      };
      bed.counts.reset();
      await bed.sql("begin");
      inTransaction.own(client);
      for (let n = 0; n < TASKS; n++) await inTransaction.create(client, [{ type: "note" }], {});
      await inTransaction.beforeCommit(client);
      await bed.sql(commits ? "commit" : "rollback");
      expect(doorbell.rings).toEqual([ARMED]);
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 0 });
      if (commits) await inTransaction.committed(client);
      else inTransaction.rolledBack(client);
      // Read once, put into the cache once, rung for once.
      expect(bed.counts.postgres).toBe(commits ? 1 : 0);
      expect(bed.counts.redis).toBe(commits ? 1 : 0);
      expect(doorbell.rings.slice(1)).toEqual(commits ? [{ now: {} }] : []);

      // The tick of the armed ring: one look at Postgres more than any other.
      bed.counts.reset();
      expect(await worker.tick({ askPostgres: true, by: "armed" })).toMatchObject({ ended: "idle" });
      expect(ran).toHaveLength(commits ? TASKS : 0);
      if (commits) return;
      expect(bed.counts.postgres).toBe(1);
      expect(bed.counts.redis).toBeLessThanOrEqual(4);
    },
  );
});
