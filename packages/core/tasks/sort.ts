/** In which order tasks are listed. */
import { mustBe, quote, refusal } from "../errors.ts";
import { statusOf, type TaskFilter } from "./filter.ts";
import type { TaskStatus } from "./task.ts";

/** With `-`: the last one first. */
export const TASK_SORTS = ["-created", "created", "due", "-due", "-finished", "finished"] as const;

/**
 * The order of a list. There are only those that an index has, so that a page is as quick in a large table as in a
 * small one.
 *
 * - `-created`: the newest first, which is the default; `created`: the oldest first
 * - `due`: what is due first; `-due`: what is due last. For tasks that are `Not started`
 * - `-finished`: what ended last; `finished`: what ended first. For tasks that are `Completed`, or those in `Error`
 *
 * @example const sort: TaskSort = "-finished";
 */
export type TaskSort = (typeof TASK_SORTS)[number];

/** What comes after it is the next page, in the order of the list. */
export interface ListPlace {
  id: number;
  /** When it is due or ended, where the list is sorted by that: to the microsecond, as Postgres writes it. */
  at?: string | undefined;
}

type SortedBy = "created" | "due" | "finished";

export function readSort(sort: TaskSort | undefined = "-created"): { by: SortedBy; descending: boolean } {
  return { by: sort.replace("-", "") as SortedBy, descending: sort.startsWith("-") };
}

const SORTED_BY: Readonly<Record<SortedBy, readonly TaskStatus[] | "all">> = {
  created: "all",
  due: ["Not started"],
  finished: ["Completed", "Error"],
};

/** The orders that there are for the tasks of a status, or for all. */
export function sortsFor(status: TaskStatus | undefined): TaskSort[] {
  return TASK_SORTS.filter((sort) => {
    const statuses = SORTED_BY[readSort(sort).by];
    return statuses === "all" || (status !== undefined && statuses.includes(status));
  });
}

/** @throws TickworkError `invalid_request` */
export function checkSort(
  filter: TaskFilter & { sort?: TaskSort | undefined; after?: ListPlace | undefined },
): void {
  const { sort, after } = filter;
  if (after && (readSort(sort).by === "created") !== (after.at === undefined))
    throw refusal("after", mustBe("the next of a page in the same order", after));
  if (sort === undefined) return;
  const status = statusOf(filter);
  const possible = sortsFor(status);
  if (possible.includes(sort)) return;
  const where = status === undefined ? "no status is given" : `the status is ${quote(status)}`;
  throw refusal(
    "sort",
    `${mustBe(`one of ${possible.map(quote).join(", ")} where ${where}`, sort)}; ${WHICH_STATUSES}`,
  );
}

const WHICH_STATUSES = `"due" is for the status "Not started", "finished" for "Completed" or "Error"`;
