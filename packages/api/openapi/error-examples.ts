/** The errors that `/openapi.json` shows. A test holds them to the schemas. */
import type { ErrorCode, Issue } from "#core";

/** Of a status, the first of these codes that it may have. */
export const errorExamples: Partial<Record<ErrorCode, { message: string; issues?: Issue[] }>> = {
  malformed_json: { message: "The body must be JSON, got nothing." },
  key_missing: {
    message: "The request has no key; send the header Authorization: Bearer <API key>.",
  },
  scope_missing: {
    message: 'POST /tasks needs the scope "write"; the key "report" has "read".',
  },
  cross_site: {
    message:
      'With a session, changes must come from pages of this server, got "https://example.com"; programs send a key.',
  },
  key_not_found: { message: "There is no key 7." },
  too_many_keys: {
    message: "There may be 100 keys, and there are; delete those that have expired or are not used.",
  },
  task_not_found: { message: "There is no task 7." },
  schedule_not_found: { message: 'There is no schedule "weekday report".' },
  schedule_in_code: {
    message:
      'The schedule "weekday report" is declared in code: change it there. Here it can be paused, with paused alone.',
  },
  unknown_event: {
    message:
      'The event must be one of items.create.after, items.update.after, items.delete.after, got "items.eaten.after".',
  },
  task_running: { message: 'Task 7 must be "Not started" to be changed, got "Running".' },
  task_finished: {
    message: 'Task 7 must be "Not started" or "Running" to be cancelled, got "Completed".',
  },
  unique_key_taken: {
    message:
      "Another task has the type and the unique key that this one would have (http_request, report); wait until it has freed the key, or cancel or delete it.",
  },
  tasks_deleted: {
    message:
      'The request with the Idempotency-Key "order-7" was carried out before and created task 7; deleted since: task 7.',
  },
  too_many_tasks: { message: "The array must have at most 1000 tasks, got 1001." },
  invalid_request: {
    message: "type must be a string of 1 to 255 characters, got 7",
    issues: [{ path: "type", message: "must be a string of 1 to 255 characters, got 7" }],
  },
  rate_limited: { message: "Too many requests; try again in 2 s." },
  internal: { message: "Something went wrong here; the log says what." },
  postgres_unavailable: {
    message:
      "A database does not answer. What was asked may have been done; with an Idempotency-Key it is safe to repeat.",
  },
};
