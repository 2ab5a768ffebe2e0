/** In which orders tasks are listed, page by page. */
import { expect, test } from "vitest";
import { type ListPlace, TASK_SORTS, TASK_STATUSES, type TaskFilter, type TaskSort, type Tasks } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

const DUE = "2999-01-01T00:00:00";

/** Their ids are in this order. Some are due at the same moment, or microseconds apart. */
const ROWS = [
  { type: "a", task_status: "Not started", scheduled_time: `${DUE}.000002Z` },
  { type: "a", task_status: "Not started", scheduled_time: `${DUE}.000001Z`, queue: "mail" },
  { type: "b", task_status: "Completed", finished_at: "2026-01-03T00:00:00Z" },
  { type: "b", task_status: "Not started", scheduled_time: `${DUE}.000001Z` },
  { type: "a", task_status: "Completed", finished_at: "2026-01-01T00:00:00.000001Z" },
  { type: "a", task_status: "Not started", scheduled_time: "2026-01-01T00:00:00Z", queue: "mail" },
  { type: "a", task_status: "Completed", finished_at: "2026-01-01T00:00:00.000002Z" },
  { type: "b", task_status: "Error", finished_at: "2026-01-02T00:00:00Z" },
  { type: "a", task_status: "Not started", scheduled_time: `${DUE}.000002Z`, queue: "news" },
  { type: "b", task_status: "Completed", finished_at: "2026-01-03T00:00:00Z" },
];

/** Which of them come, in this order. */
const LISTS: [TaskFilter & { sort?: TaskSort }, number[]][] = [
  [{}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
  [{ sort: "created" }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  [{ type: "b", sort: "created" }, [3, 4, 8, 10]],
  [{ type: "a", status: "Completed", sort: "created" }, [5, 7]],
  [{ queue: "mail", sort: "created" }, [2, 6]],
  [{ status: "Not started", sort: "due" }, [6, 2, 4, 1, 9]],
  [{ status: "Not started", sort: "-due" }, [9, 1, 4, 2, 6]],
  [{ status: "Not started", type: "a", sort: "due" }, [6, 2, 1, 9]],
  [{ status: "Not started", queue: "mail", sort: "-due" }, [2, 6]],
  [{ waiting_for_code: true, sort: "due" }, [6]],
  [{ status: "Completed", sort: "finished" }, [5, 7, 3, 10]],
  [{ status: "Completed", sort: "-finished" }, [10, 3, 7, 5]],
  [{ status: "Completed", type: "b", sort: "-finished" }, [10, 3]],
  [{ dead: true, sort: "-finished" }, [8]],
];

describeOnStacks("sorts", (bed) => {
  const prepare = async () => {
    const { tasks } = bed.make({ doorbell: noteRings() });
    // The trigger would have them end now.
    await bed.sql(`alter table "baasix_Tasks" disable trigger tickwork_before_insert`);
    await bed.sql(
      `insert into "baasix_Tasks" (id, rev, type, task_status, scheduled_time, finished_at, queue, attempts)
        select id, 1, type, task_status, coalesce(scheduled_time, now()), finished_at, queue, 1
        from json_populate_recordset(null::"baasix_Tasks", $1)`,
      [JSON.stringify(ROWS.map((row, n) => ({ id: n + 1, ...row })))],
    );
    return tasks;
  };

  /** By pages of two. */
  async function idsOf(tasks: Tasks, filter: TaskFilter & { sort?: TaskSort }): Promise<number[]> {
    const ids: number[] = [];
    let after: ListPlace | undefined;
    do {
      const page = await tasks.page({ ...filter, limit: 2, after });
      ids.push(...page.tasks.map(({ id }) => id));
      after = page.next;
    } while (after && ids.length <= ROWS.length);
    return ids;
  }

  test("list each task once and in its place, whatever else is asked for", async () => {
    const tasks = await prepare();
    for (const [filter, ids] of LISTS)
      expect(await idsOf(tasks, filter), JSON.stringify(filter)).toEqual(ids);
  });

  test("are refused where no index has the order, with those that it has", async () => {
    const { tasks } = bed.make({ doorbell: noteRings() });
    const refused: string[] = [];
    for (const status of [undefined, ...TASK_STATUSES])
      for (const sort of TASK_SORTS)
        await tasks.list({ status, sort, limit: 1 }).catch(() => refused.push(`${status} ${sort}`));
    expect(refused).toEqual(
      [undefined, ...TASK_STATUSES].flatMap((status) =>
        TASK_SORTS.filter((sort) => {
          if (sort.endsWith("due")) return status !== "Not started";
          return sort.endsWith("finished") && status !== "Completed" && status !== "Error";
        }).map((sort) => `${status} ${sort}`),
      ),
    );
    await expect(tasks.list({ sort: "due", limit: 1 })).rejects.toThrow(
      'sort must be one of "-created", "created" where no status is given, got "due"; "due" is for the status "Not started"',
    );
  });
});
