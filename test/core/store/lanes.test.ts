/** What the function that starts laned tasks reads: news of transactions that end in any order, and each only once. */
import { expect, test } from "vitest";
import { CLAIM as claimStatement } from "../../../packages/core/store/claim.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { connectBeside } from "../../support/bed/second-connection.ts";
import { eventually } from "../../support/eventually.ts";

/** The pages of a claim that passes nothing in vain: some of each table and of its indexes. */
const PAGES = 150;
/** The longest that tests in other databases of the server write in one transaction, on a busy machine. */
const OTHERS_LIMIT_MS = 60_000;
const CLAIM = "tickwork_claim_laned(now(), 0, 1, 'token', 60000, 3, array['note'])";
const LEASE = { slot: 0, slots: 1, newToken: "token", leaseMs: 60_000, maxCrashes: 3 };
const CLAIM_PLAIN = claimStatement({ ...LEASE, seen: [], ours: ["note"] });
const lane = (key: string, rows = 1) => `insert into "baasix_Tasks" (type, scheduled_time, concurrency_key)
  select 'note', now(), '${key}' from generate_series(1, ${rows})`;

describeOnStacks("news of lanes", (bed) => {
  const finish = () =>
    bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where task_status = 'Running'`);
  /** The key of the next task, which is finished at once. */
  const claim = async () => {
    const [row] = await bed.sql<{ key: string | null }>(
      `select task->>'concurrency_key' as key from ${CLAIM}`,
    );
    await finish();
    return row?.key;
  };

  /** The embedded Postgres has one connection. */
  const isAlone = bed.kind === "embedded";
  const pagesOf = (plan: Record<string, unknown>[]) =>
    Number(/hit=(\d+)/.exec(plan.map((line) => line["QUERY PLAN"]).join())?.[1]);
  const pagesOfClaim = async () => {
    const plan = await bed.sql(`explain (analyze, buffers) select * from ${CLAIM}`);
    await finish();
    return pagesOf(plan);
  };

  /**
   * Until then what was written is passed again, for a transaction in another database that began before may still go
   * on. To ask by claims would make the tables longer, since the reader keeps all that they leave behind.
   */
  const othersHaveEnded = async () => {
    const [row] = await bed.sql<{ next: string }>(
      "select pg_snapshot_xmax(pg_current_snapshot())::text as next",
    );
    const passed = `select where pg_snapshot_xmin(pg_current_snapshot()) >= '${row?.next}'::xid8`;
    await eventually(async () => (await bed.sql(passed)).length === 1, { limitMs: OTHERS_LIMIT_MS });
  };

  /** Much was written, and folded in; no vacuum may remove what that has left, for a dump of the database may still see it. */
  const withManyFoldedIn = async (look: () => Promise<void>) => {
    await bed.sql("alter table tickwork_lane_news set (autovacuum_enabled = false)");
    const reader = isAlone ? undefined : await connectBeside(bed);
    try {
      await reader?.query("begin isolation level repeatable read; select 1");
      await bed.sql(lane("many", 25_000));
      for (let n = 0; n < 4; n++) expect(await claim()).toBe("many");
      await look();
    } finally {
      await reader?.end();
    }
  };

  test(
    "that were folded in are not passed again, though no vacuum may remove them",
    {
      timeout: 2 * OTHERS_LIMIT_MS,
    },
    () =>
      withManyFoldedIn(async () => {
        await othersHaveEnded();
        expect(await claim()).toBe("many");
        expect(await pagesOfClaim()).toBeLessThan(PAGES);
      }),
  );

  test("are not passed by plain claims where no lanes are left", { timeout: 2 * OTHERS_LIMIT_MS }, () =>
    withManyFoldedIn(async () => {
      await bed.sql('delete from "baasix_Tasks"');
      await othersHaveEnded();
      expect(await claim()).toBeNull();
      expect(await bed.sql("select from tickwork_lane_pools")).toEqual([]);
      const { text, params = [] } = CLAIM_PLAIN;
      const literal = (_: string, n: string) => `'${params[Number(n) - 1]}'`;
      const plan = await bed.sql(`explain (analyze, buffers) ${text.replace(/\$(\d+)/g, literal)}`);
      expect(pagesOf(plan)).toBeLessThan(PAGES);
    }),
  );

  test("are found where transactions have lower numbers than before, as in a restored database", async () => {
    await bed.sql("update tickwork_lane_state set folded_before = '9000000000000000000'");
    await bed.sql(lane("late"));
    expect(await claim()).toBe("late");
  });

  test.skipIf(isAlone)(
    "are found when their transaction ends after those of later ones were folded in",
    async () => {
      const early = await connectBeside(bed);
      try {
        await early.query("begin");
        await early.query(lane("early"));
        await bed.sql(lane("later"));
        expect(await claim()).toBe("later");
        expect(await claim()).toBeNull();
        await early.query("commit");
        expect(await claim()).toBe("early");
      } finally {
        await early.end();
      }
    },
  );
});
