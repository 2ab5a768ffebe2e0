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
   * One page of the list, 50 schedules unless `limit` says otherwise, 200 at most; for lists with a button for more.
   * With
   * `name`, only the schedule that has it: none where `get` would throw.
   *
   * @throws TickworkApiError `invalid_request`
   * @example const { schedules, next_cursor } = await client.schedules.listPage({ limit: 20 });
   */
  listPage(
    page?: { name?: string | undefined; limit?: number | undefined; cursor?: string | undefined },
    options?: CallOptions,
  ): Promise<SchedulePage>;
  /**
   * Deletes a schedule and what waits of it. A repetition that finds it gone after an answer was lost has succeeded.
   *
   * @throws TickworkApiError `schedule_not_found` or `schedule_in_code`
   */
  remove(name: string, options?: CallOptions): Promise<void>;
  /**
   * The next five times, ISO 8601 in UTC, that a schedule with these would have: to see them before it is made.
   *
   * @throws TickworkApiError `invalid_request`
   * @example const [next] = await client.schedules.times({ cron: "0 3 * * *", time_zone: "Europe/Berlin" });
   */
  times(
    given: Pick<ScheduleChanges, "cron" | "every_seconds" | "time_zone">,
    options?: CallOptions,
  ): Promise<string[]>;
  /**
   * Makes an occurrence that is due now. It is not repeated when it may have been carried out: two could run.
   *
   * @throws TickworkApiError `schedule_not_found`
   * @example const task = await client.schedules.run("nightly");
   */
  run(name: string, options?: ChangeOptions): Promise<Task>;
}

/** A page of the list of schedules. */
export interface SchedulePage {
  schedules: Schedule[];
  /** Of the next page; null on the last. */
  next_cursor: string | null;
}

/** How many the API gives at a time. */
const PAGE_SIZE = 200;

const pathOf = (name: string) => `/schedules/${encodeURIComponent(name)}`;

function queryOf(given: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value != null) query.set(name, String(value));
  return query.size > 0 ? `?${query}` : "";
}

export function createClientSchedules(send: ReturnType<typeof createSend>): ClientSchedules {
  const listPage: ClientSchedules["listPage"] = async (page = {}, options) => {
    return send({ method: "GET", path: `/schedules${queryOf(page)}`, idempotent: true }, options);
  };
  return {
    put: async (name, schedule, options) =>
      send({ method: "PUT", path: pathOf(name), body: JSON.stringify(schedule), idempotent: true }, options),
    get: (name, options) => send({ method: "GET", path: pathOf(name), idempotent: true }, options),
    async *list(options) {
      let cursor: string | undefined;
      do {
        const page = await listPage({ limit: PAGE_SIZE, cursor }, options);
        yield* page.schedules;
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
    },
    listPage,
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
    times: async (given, options) => {
      const path = `/schedule-times${queryOf(given)}`;
      const answer = await send<{ next_times: string[] }>({ method: "GET", path, idempotent: true }, options);
      return answer.next_times;
    },
    run: (name, options) =>
      send({ method: "POST", path: `${pathOf(name)}/run`, userId: options?.userId }, options),
  };
}
