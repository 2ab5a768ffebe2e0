/** The operations on schedules. */
import * as s from "../schemas/schedule-schemas.ts";
import { TaskSchema, UserHeadersSchema } from "../schemas/schemas.ts";

export const scheduleOperations = {
  listSchedules: {
    method: "get",
    path: "/schedules",
    scope: "read",
    summary: "Schedules, by name.",
    query: s.ScheduleListQuerySchema,
    answer: { status: 200, schema: s.ScheduleListSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
  scheduleTimes: {
    method: "get",
    path: "/schedule-times",
    scope: "read",
    summary: "The next five times that a schedule with this cron expression or these seconds would have.",
    query: s.ScheduleTimesQuerySchema,
    answer: { status: 200, schema: s.ScheduleTimesSchema },
    errors: ["invalid_request"],
  },
  getSchedule: {
    method: "get",
    path: "/schedules/:name",
    scope: "read",
    summary: "A schedule, with its next times and its last outcome.",
    answer: { status: 200, schema: s.ScheduleSchema },
    errors: ["schedule_not_found", "postgres_unavailable"],
  },
  putSchedule: {
    method: "put",
    path: "/schedules/:name",
    scope: "write",
    summary: "Makes a schedule, or replaces it and what waits of it; paused alone pauses or resumes one.",
    json: s.SchedulePutSchema,
    headers: UserHeadersSchema,
    answer: { status: 200, schema: s.ScheduleSchema },
    errors: [
      "schedule_not_found",
      "schedule_in_code",
      "task_data_too_large",
      "invalid_request",
      "unknown_type",
      "postgres_unavailable",
    ],
  },
  deleteSchedule: {
    method: "delete",
    path: "/schedules/:name",
    scope: "write",
    summary: "Deletes a schedule and what waits of it. What runs goes on.",
    headers: UserHeadersSchema,
    answer: { status: 204 },
    errors: ["schedule_not_found", "schedule_in_code", "postgres_unavailable"],
  },
  runSchedule: {
    method: "post",
    path: "/schedules/:name/run",
    scope: "write",
    summary: "Makes an occurrence that is due now, and answers with it.",
    headers: UserHeadersSchema,
    answer: { status: 201, schema: TaskSchema },
    errors: ["schedule_not_found", "postgres_unavailable"],
  },
} as const;
