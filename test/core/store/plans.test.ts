/** What the statements cost in a table of a million rows, as Postgres itself reports it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { GATE, STATS } from "../../../packages/core/gate/postgres-gate.ts";
import {
  BULK_BATCH,
  SEARCH_SCAN,
  SEEN_LIMIT,
  UNKNOWN_COUNTED,
  WINDOW_MS,
} from "../../../packages/core/limits.ts";
import { BATCH } from "../../../packages/core/store/batch.ts";
import { stepRequest } from "../../../packages/core/store/bulk.ts";
import { CLAIM } from "../../../packages/core/store/claim.ts";
import type { Statement } from "../../../packages/core/store/database.ts";
import { LIST } from "../../../packages/core/store/list.ts";
import { OVERVIEW } from "../../../packages/core/store/overview.ts";
import { searchRequest } from "../../../packages/core/store/search.ts";
import { COMPLETE } from "../../../packages/core/store/settle.ts";
import { GIVE_TIMES, WINDOW } from "../../../packages/core/store/window.ts";
import type { TaskFilter } from "../../../packages/core/tasks/filter.ts";
import type { TaskSort } from "../../../packages/core/tasks/sort.ts";
import type { TaskStatus } from "../../../packages/core/tasks/task.ts";
import { openTestBed, type TestBed } from "../../support/bed/bed.ts";
import { eachStack } from "../../support/bed/describe-on-stacks.ts";

/** How many pages a statement touched; planning it, the first one on a connection reads the catalogue. */
const pagesOf = (lines: readonly string[]) =>
  Math.max(
    ...before("Planning:", lines).flatMap((line) =>
      [...line.matchAll(/(?:hit|read)=(\d+)/g)].map(([, pages]) => Number(pages)),
    ),
  );

const before = (end: string, lines: readonly string[]) =>
  lines.includes(end) ? lines.slice(0, lines.indexOf(end)) : lines;

/** Each row that is looked at may be on a page of its own, and so may its entry in an index. */
const LOOKED_PAGES = 2 * SEARCH_SCAN;
const STORE = { types: { ours: ["note"], foreign: [] }, maxCrashes: 3 };

const lease = { slot: 0, slots: 1, newToken: "next", leaseMs: 60_000, ours: ["note"], maxCrashes: 3 };
const seen = Array.from({ length: SEEN_LIMIT }, (_, n) => n + 1);
const completed = { id: 1, token: "token", result: null, lateness: null, ...lease };

const claim = CLAIM({ ...lease, seen });
const settles: [string, Statement][] = [
  ["a settle", COMPLETE.thenDue(completed)],
  ["a settle that looks for leases that ended", COMPLETE.thenOverdueOrDue(completed)],
];
/** It leases fifty tasks. */
const batch = BATCH({
  ...{ slot: 0, slots: 1, newToken: "next", leaseMs: 60_000, ours: ["note"], bytes: 1_000_000 },
  ...{ tokens: ["token"], ids: [1], results: [""], lateness: [""], started: [0], finished: [0], others: [] },
  ...{ leader: null, count: 50, held: 0, types: ["note"], sizes: [100], whole: false },
});
const gate = GATE({
  token: "token",
  flagTtlMs: 60_000,
  slots: 1,
  napMs: 0,
  slot: null,
  release: false,
  ours: ["note"],
});
const statementsOfATask: [string, Statement][] = [
  ["a claim", claim],
  ...settles,
  ["the gate of Postgres", gate],
];

/** Lists in each order, their first page and a later one. */
const SORTED: [TaskStatus | undefined, TaskSort][] = [
  [undefined, "created"],
  ["Not started", "created"],
  ["Not started", "due"],
  ["Not started", "-due"],
  ["Completed", "finished"],
  ["Completed", "-finished"],
  ["Error", "-finished"],
];
const sorted = ([status, sort]: (typeof SORTED)[number], at: string): Statement[] => {
  const page = { limit: 50, bytes: 2 ** 24 };
  const after = { ...page, afterId: 25_000, afterAt: at };
  const given = sort === "created" ? { ...page, afterId: 25_000 } : after;
  return [LIST(status, sort)(page as never), LIST(status, sort, "after")(given as never)];
};

const literal = (param: unknown) => (typeof param === "string" ? `'${param}'` : String(param));

/** Planned for its own parameters, as every request to Neon is, and for any, as on a connection that lasts. */
async function pagesInEachMode(bed: TestBed, { text, params = [] }: Statement): Promise<number[]> {
  const pages: number[] = [];
  for (const mode of ["force_custom_plan", "force_generic_plan"]) {
    await bed.sql("begin");
    await bed.sql(`set local plan_cache_mode = ${mode}`);
    await bed.sql(`prepare to_explain as ${text}`);
    const plan = await bed.sql<{ "QUERY PLAN": string }>(
      `explain (analyze, buffers, timing off) execute to_explain(${params.map(literal).join(", ")})`,
    );
    await bed.sql("rollback");
    await bed.sql("deallocate to_explain");
    pages.push(pagesOf(plan.map((line) => line["QUERY PLAN"])));
  }
  return pages;
}

eachStack("the plans of statements", (kind) => {
  // The embedded Postgres is slow to make a million rows; its planner is the same, and a tenth shows as much.
  const rows = kind === "embedded" ? 100_000 : 1_000_000;
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed(kind);
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    await bed.sql(`insert into "baasix_Tasks" (type, task_status, scheduled_time, finished_at, rev)
      select 'note', (array['Completed', 'Not started', 'Error', 'Completed'])[1 + n % 4]::"enum_baasix_Tasks_task_status", now() - interval '1 day' + n * interval '1 second',
        case when n % 4 <> 1 then now() - n / 100 * interval '1 second' end, 1
      from generate_series(1, ${rows}) n`);
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
    await bed.sql(`analyze "baasix_Tasks"`);
  }, 180_000);
  afterAll(() => bed.close());

  /** The plan, and how many pages it touched. */
  const explain = async ({ text, params = [] }: Statement) => {
    await bed.sql("begin");
    const plan = await bed.sql<{ "QUERY PLAN": string }>(`explain (analyze, buffers, timing off) ${text}`, [
      ...params,
    ]);
    await bed.sql("rollback");
    const lines = plan.map((line) => line["QUERY PLAN"]);
    return { text: lines.join("\n"), buffers: pagesOf(lines) };
  };

  test(`a claim among ${rows} rows reads the partial index and a few pages`, async () => {
    const { text, buffers } = await explain(claim);
    expect(text).toContain("Index Scan using tickwork_plain");
    expect(text).toContain("tickwork_running");
    expect(text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(buffers).toBeLessThan(150);
  });

  test.each(settles)("so does %s that claims the next task", async (_, settle) => {
    const { text, buffers } = await explain(settle);
    expect(text).toContain("Index Scan using tickwork_plain");
    expect(text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(buffers).toBeLessThan(150);
  });

  test.each(statementsOfATask)("%s reads a few pages, whatever it is planned for", async (_, statement) => {
    for (const pages of await pagesInEachMode(bed, statement)) expect(pages).toBeLessThan(150);
  });

  test("a batch reads a few pages for each task that it looks at", async () => {
    for (const pages of await pagesInEachMode(bed, batch)) expect(pages).toBeLessThan(150 + 50 * 10);
  });

  test("the window reads no more than it takes, and the gate of Postgres a few pages", async () => {
    const window = await explain(
      WINDOW(WINDOW_MS)({
        limit: 1_000,
        dataBytes: 4_096,
        rowBytes: 8_192,
        windowBytes: 2 ** 24,
        ours: lease.ours,
        foreign: [],
      }),
    );
    expect(window.text).toContain("Index Scan using tickwork_plain");
    expect(window.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    const look = await explain(gate);
    expect(look.text).toMatch(/Index (Only )?Scan using tickwork_plain/);
    expect(look.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
    expect(look.buffers).toBeLessThan(150);
  });

  test("a refresh finds rows without a time in a few pages", async () => {
    expect((await explain(GIVE_TIMES({}))).buffers).toBeLessThan(20);
  });

  test.each<TaskFilter>([
    { dead: true },
    { waiting_for_code: true },
    { text: "nowhere" },
    { queue: "nowhere" },
    { concurrency_key: "nowhere", status: "Not started" },
    { status: "Completed", created_to: "2000-01-01T00:00:00Z" },
    { type: "note", status: "Not started", scheduled_from: "2999-01-01T00:00:00Z" },
  ])("a page of the list with %o, which finds nothing, looks at no more than it may", async (filter) => {
    const { buffers } = await explain(searchRequest(STORE, { ...filter, limit: 50 }, 2 ** 24));
    expect(buffers).toBeLessThan(LOOKED_PAGES);
  });

  test("what waits for code is found with one look at the list of a deployment of many types", async () => {
    await bed.sql("insert into tickwork_types select 'a list', 'note ' || n from generate_series(1, 2000) n");
    const types = { ours: ["a list", ""], foreign: [] };
    const ofMany = searchRequest({ ...STORE, types }, { waiting_for_code: true, limit: 50 }, 2 ** 24);
    const ofFew = searchRequest(STORE, { waiting_for_code: true, limit: 50 }, 2 ** 24);
    const [many, few] = [await explain(ofMany), await explain(ofFew)];
    expect(many.buffers - few.buffers).toBeLessThan(1_000);
    await bed.sql("truncate tickwork_types");
  });

  test("a batch of a bulk operation reads what it changes, or no more than it may look at", async () => {
    await bed.sql("insert into tickwork_bulk values (0, 0, 1000000000, 0, 0, '{}') on conflict do nothing");
    await bed.sql(`insert into "baasix_Tasks" (id, type, task_status, attempts, lease_token, lease_expires_at)
      values (0, 'tickwork_bulk', 'Running', 1, 'a token', now() + interval '1 hour')`);
    const step = (filter: TaskFilter, statuses: readonly TaskStatus[]) =>
      explain(
        stepRequest(
          STORE,
          0,
          { pass: 0, before_id: 1_000_000_000 },
          { action: "delete", filter, statuses, attempt: 1, message: "", userId: null },
        ),
      );
    for (const statuses of [["Not started"], ["Not started", "Completed", "Error"]] as const) {
      const found = await step({ type: "note" }, statuses);
      expect(found.text).not.toMatch(/Seq Scan on "baasix_Tasks"/);
      // Each of a thousand rows: found, locked, deleted in the table and, as a dead row, left in the indexes.
      expect(found.buffers).toBeLessThan(BULK_BATCH * 30);
      const none = await step({ type: "note", scheduled_from: "2999-01-01T00:00:00Z" }, statuses);
      expect(none.buffers).toBeLessThan(2 * LOOKED_PAGES);
    }
    await bed.sql(`delete from "baasix_Tasks" where id = 0`);
  });

  const keepsItsPlan = async ({ text, params = [] }: Statement) => {
    await bed.sql(`prepare to_repeat as ${text}`);
    for (let n = 0; n < 8; n += 1) await bed.sql(`execute to_repeat(${params.map(literal).join(", ")})`);
    const [plans] = await bed.sql<{ generic: string }>(
      "select generic_plans::text as generic from pg_prepared_statements where name = 'to_repeat'",
    );
    await bed.sql("deallocate to_repeat");
    // Postgres makes five plans for the parameters that it is given before it thinks of one for any.
    expect(plans).toEqual({ generic: "3" });
  };

  test.each([...SORTED, ["Error", "-created"], [undefined, "-created"]] as typeof SORTED)(
    "a list of %s sorted by %s is not planned anew each time",
    async (...list) => {
      for (const statement of sorted(list, "2020-01-01T00:00:00Z")) await keepsItsPlan(statement);
    },
  );

  test.each<TaskFilter>([{ dead: true }, { text: "nowhere" }, { type: "note", queue: "nowhere" }])(
    "nor is a search for %o",
    async (filter) => keepsItsPlan(searchRequest(STORE, { ...filter, limit: 50 }, 2 ** 24)),
  );

  test.each(SORTED)("a list of %s sorted by %s reads a few pages", async (...list) => {
    const [{ at }] = (await bed.sql<{ at: string }>(
      "select (now() - interval '10 minutes')::text as at",
    )) as [{ at: string }];
    // A hundred ended in the same moment, and each may be on a page of its own.
    for (const statement of sorted(list, at))
      for (const pages of await pagesInEachMode(bed, statement)) expect(pages).toBeLessThan(300);
  });

  test.each(["Completed", "Error", "Running"] as const)(
    "a list of the tasks with status %s reads a few pages",
    async (status) => {
      const { buffers } = await explain(LIST(status)({ limit: 50, bytes: 2 ** 24 } as never));
      expect(buffers).toBeLessThan(150);
    },
  );
});

eachStack("the plans with statistics from a time when no task was waiting", (kind) => {
  const rows = 30_000;
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed(kind);
    await bed.sql(`alter table "baasix_Tasks" set (autovacuum_enabled = false)`);
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    const fill = (status: string, lane = "null::uuid") =>
      bed.sql(`insert into "baasix_Tasks" (type, task_status, scheduled_time, lane, rev)
        select 'note', '${status}', now() - interval '1 day' + n * interval '1 second', ${lane}, 1 from generate_series(1, ${rows}) n`);
    await fill("Completed");
    await bed.sql(`analyze "baasix_Tasks"`);
    await fill("Not started");
    await fill("Not started", "md5((n % 1000)::text)::uuid");
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
  }, 60_000);
  afterAll(() => bed.close());

  test.each(SORTED.slice(1, 4))("a list of %s sorted by %s reads a few pages", async (...list) => {
    for (const statement of sorted(list, "2020-01-01T00:00:00Z"))
      for (const pages of await pagesInEachMode(bed, statement)) expect(pages).toBeLessThan(300);
  });

  test("an overview reads no more of what waits than it counts", async () => {
    const overview = OVERVIEW({ span: 3_600_000, scan: 100, count: 100 });
    for (const pages of await pagesInEachMode(bed, overview)) expect(pages).toBeLessThan(1_000);
  });

  test("statistics without a cache read no more of what waits than they count", async () => {
    const stats = STATS({ limit: 100, ours: ["note"], foreign: [] });
    // What waits for code is looked for among those that have been due for longest.
    for (const pages of await pagesInEachMode(bed, stats)) expect(pages).toBeLessThan(2 * UNKNOWN_COUNTED);
  });

  test.each(statementsOfATask)("%s reads a few pages all the same", async (_, statement) => {
    for (const pages of await pagesInEachMode(bed, statement)) expect(pages).toBeLessThan(150);
  });

  test("so does a batch for each task that it looks at", async () => {
    for (const pages of await pagesInEachMode(bed, batch)) expect(pages).toBeLessThan(150 + 50 * 10);
  });
});
