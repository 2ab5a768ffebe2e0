import type { Schedule, ScheduleChanges } from "../tasks/schedule.ts";
import type { Task } from "../tasks/task.ts";
import type { By } from "../tasks/tasks.ts";

/** Recurring tasks: what the HTTP API's `/schedules` calls. Every method throws PostgresError when Postgres does not answer. */
export interface Schedules {
  /**
   * Makes a schedule, or replaces it and what waits of it; `paused` alone pauses or resumes one. Its next occurrences
   * are tasks at once.
   *
   * @throws TickworkError `invalid_request`, `unknown_type`, `task_data_too_large`, `schedule_in_code`, and
   * `schedule_not_found` for `paused` alone
   * @example await schedules.put("nightly", { cron: "0 3 * * *", time_zone: "Europe/Berlin", type: "greet", task_data: { name: "Ada" } });
   */
  put(name: string, given: ScheduleChanges): Promise<Schedule>;
  /** @throws TickworkError `schedule_not_found` */
  get(name: string): Promise<Schedule>;
  /**
   * By name, those after one; or with `name`, the one that has it, if there is one.
   *
   * @example const { schedules: first, more } = await schedules.list({ limit: 50 });
   */
  list(page: {
    name?: string | undefined;
    after?: string | undefined;
    limit: number;
  }): Promise<{ schedules: Schedule[]; more: boolean }>;
  /** Deletes a schedule and what waits of it. @throws TickworkError `schedule_not_found` or `schedule_in_code` */
  remove(name: string): Promise<void>;
  /**
   * The next five times, ISO 8601 in UTC, that a schedule with these would have: to see them before it is made. Nothing
   * is asked of Postgres.
   *
   * @throws TickworkError `invalid_request`
   * @example const [next] = await schedules.times({ cron: "0 3 * * *", time_zone: "Europe/Berlin" });
   */
  times(given: Pick<ScheduleChanges, "cron" | "every_seconds" | "time_zone">): Promise<string[]>;
  /** Makes an occurrence that is due now, also of a paused one. @throws TickworkError `schedule_not_found` */
  run(name: string, by?: By): Promise<Task>;
}
