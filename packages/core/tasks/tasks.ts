import type { Actor } from "../api-key.ts";
import type { TaskFilter } from "./filter.ts";
import type { ListPlace, TaskSort } from "./sort.ts";
import type { NewTask, Task, TaskChanges } from "./task.ts";

/**
 * Which tasks to list, in which order. With anything beside `status` and `type`, a page looks through the first 10,000
 * tasks that meet those two, and `after` goes on from there. With `waiting_for_code`, it is the 10,000 tasks that have
 * been due for longest, unless it is sorted by due time.
 */
export interface ListFilter extends TaskFilter {
  /** Default: `-created`, the newest first. */
  sort?: TaskSort | undefined;
  /** Only what comes after this in the list: the `next` of an earlier page. Of a list by creation, an id will do. */
  after?: ListPlace | undefined;
  /** How many at most. */
  limit: number;
}

/** The user on whose behalf it is done, as the caller says: Tickwork does not check it. */
export interface By {
  /**
   * Kept in `userCreated_Id` or `userUpdated_Id`, 1 to 255 characters; a uuid where the column is one. Absent: no user
   * is kept, and who changed a task last stays as it was.
   */
  userId?: string | undefined;
}

/** Of a request that creates tasks. */
export interface CreateOptions extends By {
  /** 1 to 255 characters; the same key within 24 hours returns the same tasks and creates none. */
  idempotencyKey?: string | undefined;
}

/**
 * Creates, finds and changes tasks: what a handler gets as `context.tasks`, and what the HTTP API's `/tasks` calls.
 * Every method throws PostgresError when Postgres does not answer.
 */
export interface Tasks {
  /**
   * Creates 1 to 1,000 tasks, all or none. It takes one request to Postgres, and one to Redis for every 500 tasks.
   *
   * @throws TickworkError `invalid_request`, `unknown_type`, `task_data_too_large`, `too_many_tasks`,
   * `idempotency_key_reused` or `tasks_deleted`
   * @example
   * await tasks.create([{ type: "greet", task_data: { name: "Ada" }, scheduled_time: "2026-11-24T09:00:00Z" }]);
   */
  create(tasks: readonly NewTask[], options?: CreateOptions): Promise<Task[]>;
  /** @throws TickworkError `task_not_found` */
  get(id: number): Promise<Task>;
  /**
   * The newest first, or as `sort` says.
   *
   * @throws TickworkError `invalid_request` for a sort that these tasks cannot be listed by
   * @example const failed = await tasks.list({ status: "Error", sort: "-finished", limit: 50 });
   */
  list(filter: ListFilter): Promise<Task[]>;
  /**
   * The same, as many as three megabytes have; `more`: there are others, or, where a page looks
   * through tasks, there may be. `next` is then where the next page begins.
   *
   * @example
   * const first = await tasks.page({ limit: 200 });
   * const second = first.next && (await tasks.page({ limit: 200, after: first.next }));
   */
  page(filter: ListFilter): Promise<{ tasks: Task[]; more: boolean; next?: ListPlace }>;
  /**
   * Changes a task that has not started.
   *
   * @throws TickworkError `task_not_found`, `task_running`, `task_finished`, or as `create` for a value
   * @example await tasks.update(7, { scheduled_time: new Date(Date.now() + 60_000) });
   */
  update(id: number, changes: TaskChanges, by?: By): Promise<Task>;
  /**
   * Deletes a task that is not running.
   *
   * @param actor the author for the audit log, since no row is left to tell it. Absent: nobody
   * @throws TickworkError `task_not_found` or `task_running`
   */
  remove(id: number, actor?: Actor): Promise<void>;
  /** Starts a finished task anew, at once. @throws TickworkError `task_not_found`, `task_running` or `task_waiting` */
  retry(id: number, by?: By): Promise<Task>;
  /**
   * Ends a waiting task in `Error`; asks a running one to stop, by its handler's signal.
   *
   * @throws TickworkError `task_not_found` or `task_finished`
   */
  cancel(id: number, by?: By): Promise<Task>;
}
