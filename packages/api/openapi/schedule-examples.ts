/** The examples of schedules in `/openapi.json`. */
import type { Schedule, ScheduleChanges } from "#core";

const schedule: Schedule = {
  name: "weekday report",
  source: "api",
  cron: "0 9 * * MON-FRI",
  every_seconds: null,
  time_zone: "Europe/Berlin",
  type: "http_request",
  task_data: { url: "https://example.com/report", method: "POST" },
  version: null,
  catch_up: "last",
  overlap: "skip",
  paused: false,
  next_times: [
    "2026-11-24T08:00:00.000Z",
    "2026-11-25T08:00:00.000Z",
    "2026-11-26T08:00:00.000Z",
    "2026-11-27T08:00:00.000Z",
    "2026-11-30T08:00:00.000Z",
  ],
  last: {
    task: 7,
    task_status: "Completed",
    schedule_time: "2026-11-23T08:00:00.000Z",
    started_at: "2026-11-23T08:00:00.120Z",
    finished_at: "2026-11-23T08:00:01.480Z",
  },
  created_at: "2026-11-20T12:00:00.000Z",
  updated_at: "2026-11-20T12:00:00.000Z",
};

export const scheduleExamples = {
  listSchedules: { answer: { schedules: [schedule], next_cursor: null } },
  getSchedule: { answer: schedule },
  scheduleTimes: { answer: { next_times: schedule.next_times } },
  putSchedule: {
    request: {
      cron: "0 9 * * MON-FRI",
      time_zone: "Europe/Berlin",
      type: "http_request",
      task_data: { url: "https://example.com/report", method: "POST" },
      overlap: "skip",
    } satisfies ScheduleChanges,
    answer: schedule,
  },
};
