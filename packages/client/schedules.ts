import type { Schedule, ScheduleChanges, Task } from "#core";
import type { CallOptions, ChangeOptions, createSend } from "./request.ts";

/** Recurring tasks over HTTP. */
export interface ClientSchedules {
  /**
   * Makes a schedule, or replaces it and what waits of it; `paused` alone pauses or resumes one.
   *
   * @throws TickworkApiError `invalid_request`, `unknown_type`, `task_data_too_large` or `schedule_in_code`; for `paused`
   * alone, `schedule_not_found`
   * @example
   * await client.schedules.put("nightly", {
   *   cron: "0 3 * * *",
   *   time_zone: "Europe/Berlin",
   *   type: "greet",
   *   task_data: { name: "Ada" },
   * });
   */
  put(name: string, schedule: ScheduleChanges, options?: CallOptions): Promise<Schedule>;
  /** A schedule, with its next times and its last outcome. @throws TickworkApiError `schedule_not_found` */
  get(name: string, options?: CallOptions): Promise<Schedule>;
  /**
   * The schedules by name, fetched by pages when they are asked for.
   *
   * @example for await (const { name, next_times } of client.schedules.list()) console.log(name, next_times[0]);
   */
  list(options?: CallOptions): AsyncGenerator<Schedule, void, undefined>;
  /**
   * Deletes a schedule and what waits of it. A repetition that finds it gone after an answer was lost has succeeded.
   *
   * @throws TickworkApiError `schedule_not_found` or `schedule_in_code`
   */
  remove(name: string, options?: CallOptions): Promise<void>;
  /**
   * Makes an occurrence that is due now. It is not repeated when it may have been carried out: two could run.
   *
   * @throws TickworkApiError `schedule_not_found`
   * @example const task = await client.schedules.run("nightly");
   */
  run(name: string, options?: ChangeOptions): Promise<Task>;
}

/** How many the API gives at a time. */
const PAGE_SIZE = 200;

const pathOf = (name: string) => `/schedules/${encodeURIComponent(name)}`;

export function createClientSchedules(send: ReturnType<typeof createSend>): ClientSchedules {
  return {
    put: async (name, schedule, options) =>
      send({ method: "PUT", path: pathOf(name), body: JSON.stringify(schedule), idempotent: true }, options),
    get: (name, options) => send({ method: "GET", path: pathOf(name), idempotent: true }, options),
    async *list(options) {
      let cursor: string | null | undefined;
      do {
        const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(cursor ? { cursor } : {}) });
        type Page = { schedules: Schedule[]; next_cursor: string | null };
        const page: Page = await send(
          { method: "GET", path: `/schedules?${query}`, idempotent: true },
          options,
        );
        yield* page.schedules;
        cursor = page.next_cursor;
      } while (cursor);
    },
    remove: (name, options) =>
      send<void>(
        {
          method: "DELETE",
          path: pathOf(name),
          idempotent: true,
          afterLoss: async (error) => {
            if (error.code !== "schedule_not_found") throw error;
          },
        },
        options,
      ),
    run: (name, options) =>
      send({ method: "POST", path: `${pathOf(name)}/run`, userId: options?.userId }, options),
  };
}
