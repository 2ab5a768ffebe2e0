/**
 * What each code of the catalogue (`packages/core/errors.ts`) means and what to do about it: the text of
 * `docs/errors.md`. It is kept apart from the code, so that no function carries it; the compiler finds a missing one.
 */
import type { ErrorCode, TaskErrorCode } from "#core";
import type { OwnErrorCode } from "../packages/tasks/error-codes.ts";

export interface ErrorText {
  meaning: string;
  /** What to do. */
  remedy: string;
}

/** Of what Tickwork throws and the API answers with. */
export const ERROR_TEXTS: Record<ErrorCode, ErrorText> = {
  malformed_json: {
    meaning:
      "The body is empty, not JSON, or not to be kept as it was sent: not UTF-8, a name twice in an object, a number that no double holds, more than 1,000 levels deep, or more than 750,000 arrays and objects.",
    remedy: "Send valid JSON; `issues` has the path of what could not be kept. Send long numbers as strings.",
  },
  malformed_request: {
    meaning: "The request could not be read as HTTP requires.",
    remedy: "The message says what is wrong with it; correct the request.",
  },
  key_missing: {
    meaning: "The request has no API key.",
    remedy: "Send the header `Authorization: Bearer <API key>`.",
  },
  key_wrong: {
    meaning: "The `Authorization` header does not have the API key of this deployment.",
    remedy: "Compare the key with `API_KEY`, or on AWS with the secret `TickworkApiKey`.",
  },
  key_expired: {
    meaning: "The key was made to end, and has.",
    remedy: "Make a new one: `npx tickwork keys create`.",
  },
  session_ended: {
    meaning: "The session of this browser is over, its key was withdrawn, or its cookie was changed.",
    remedy: "Sign in again: `POST /session`.",
  },
  scope_missing: {
    meaning: "The key is good, but not for this; the message names the scope that it needs.",
    remedy: "Use a key that has the scope, or have one made: `npx tickwork keys create`.",
  },
  cross_site: {
    meaning: "A browser with a session was made to change something by a page of another site.",
    remedy: "Nothing, if it was not you. A page of your own sends a key, and its origin is in `API_ORIGINS`.",
  },
  route_not_found: {
    meaning: "There is no such path, or not with this method.",
    remedy: "`GET /openapi.json` lists every route.",
  },
  task_not_found: {
    meaning: "No task has this id: it was deleted, or never existed.",
    remedy: "Check the id. `GET /tasks` lists the tasks.",
  },
  schedule_not_found: {
    meaning: "No schedule has this name.",
    remedy: "Check the name. `GET /schedules` lists the schedules.",
  },
  key_not_found: {
    meaning: "No key has this id: it was withdrawn, or never existed.",
    remedy: "`GET /keys` lists the keys.",
  },
  unknown_event: {
    meaning: "The hook's path names an event that does not exist.",
    remedy: "Use `items.create.after`, `items.update.after` or `items.delete.after`.",
  },
  task_running: {
    meaning: "The task is running, so it cannot be changed, deleted or retried.",
    remedy: "Wait until it ends, or cancel it and then try again.",
  },
  task_waiting: {
    meaning: "The task has not started, so it cannot be retried.",
    remedy: "Nothing: it will run when it is due. To run it sooner, change its `scheduled_time`.",
  },
  task_finished: {
    meaning: "The task has ended, so it cannot be changed or cancelled.",
    remedy: "Retry it, or create a new task.",
  },
  task_state: {
    meaning:
      "The task has a status that Tickwork does not know, which only a table older than Tickwork allows.",
    remedy: "Set `task_status` to one of the four statuses.",
  },
  tasks_deleted: {
    meaning:
      "The request was carried out before, with the same `Idempotency-Key`, and some of the tasks that it created have been deleted.",
    remedy: "Nothing, if they are not needed any more. To create them anew, use another key.",
  },
  too_many_keys: {
    meaning: "There are 100 keys, and there may be no more.",
    remedy: "Withdraw those that have expired or are not used, then try again.",
  },
  unique_key_taken: {
    meaning:
      "The task would have its `unique_key` again, because it is retried or its type is changed, but another task has the key now.",
    remedy:
      "Wait until that task has freed the key, or cancel or delete it. The message names the type and the key.",
  },
  schedule_in_code: {
    meaning:
      "The schedule is declared in code with `defineSchedule`, so it is neither replaced nor deleted over HTTP.",
    remedy: "Change the code and deploy it. To stop the schedule until then, send `paused` alone.",
  },
  body_too_large: {
    meaning: "The body has more than 5 MB.",
    remedy: "Send fewer tasks in one request.",
  },
  too_many_tasks: {
    meaning: "The array has more than 1,000 tasks.",
    remedy: "Send several requests.",
  },
  task_data_too_large: {
    meaning: "The `task_data` of a task has more than 256 KB as JSON.",
    remedy: "Store the data elsewhere and put its address into the task.",
  },
  invalid_request: {
    meaning: "One or more values are not acceptable.",
    remedy: "`issues` has the path of each, what it must be, and what it was.",
  },
  unknown_type: {
    meaning: "No handler is registered for the type of the task.",
    remedy: "Correct the type, or add its definition to the deployment. The message lists the known types.",
  },
  idempotency_key_reused: {
    meaning: "The same `Idempotency-Key` came with another request within 24 hours.",
    remedy: "Use a key for one request and its repetitions only.",
  },
  rate_limited: {
    meaning: "The key, or the address, has sent as many requests as it may.",
    remedy:
      "Wait as many seconds as `Retry-After` says. The limits are `API_LIMIT_PER_KEY` and `API_LIMIT_PER_ADDRESS`.",
  },
  bad_definition: {
    meaning:
      "A definition in code is not usable: that of a task, a schedule or a limit, or one that is there twice. It stops the start.",
    remedy: "Correct the definition that the message names.",
  },
  internal: {
    meaning: "A defect of Tickwork.",
    remedy: "The log has the error and its stack, next to the path of the request. Please report it.",
  },
  postgres_unavailable: {
    meaning: "Postgres did not answer in time, or refused the statement.",
    remedy:
      "Repeat the request after the pause that `Retry-After` names; creating tasks is safe to repeat with an `Idempotency-Key`. If it stays, look at the log and the database.",
  },
  redis_unavailable: {
    meaning:
      "Redis did not answer in time, or with an error. Tasks do not depend on it; Baasix's `getCache()` does, and so do limits with `API_LIMIT_FAILURE=closed`.",
    remedy: "Repeat the call. If it stays, look at Redis.",
  },
  table_missing: {
    meaning: 'There is no table `"baasix_Tasks"`.',
    remedy: "Run the migrations: `npm start` and a deployment do.",
  },
  migration_unfinished: {
    meaning: "The schema is not up to date yet: the time was up, or an index could not be built in it.",
    remedy:
      "Migrate again, by a start or a deployment: it goes on from there. The message says what is missing.",
  },
  encryption_key_missing: {
    meaning:
      "The type is encrypted, and the process that was asked has no key to encrypt with, or not the one that the value was encrypted with. Nothing was written.",
    remedy: "Give all processes the same `TASK_ENCRYPTION_KEYS`, and `connect()` its `encryptionKeys`.",
  },
  decryption_failed: {
    meaning: "What Postgres holds is not what was encrypted for this task, or not with the key of that id.",
    remedy:
      "Somebody changed the row, copied it from another, or used an id of a key twice. Nothing was lost: put the row or the key right.",
  },
  refresh_too_slow: {
    meaning: "Reading the window took so long that it may be outdated, so the cache was not replaced.",
    remedy: "Nothing: the next refresh tries again. If it happens often, look at the load of Postgres.",
  },
};

/** Of what Tickwork, and the tasks that ship with it, write into `error_data.code`. */
export const TASK_ERROR_TEXTS: Record<TaskErrorCode | OwnErrorCode | "http_<status>", ErrorText> = {
  invalid_data: {
    meaning: "The `task_data` does not match the schema of the type.",
    remedy: "Create a new task with valid data; or correct the schema and retry.",
  },
  migration_failed: {
    meaning: "`migrate` of the definition threw: the data is of an older version of the type.",
    remedy: "Correct `migrate`, then retry.",
  },
  timeout: {
    meaning: "An attempt took longer than `timeoutSeconds` of its type.",
    remedy: "Raise the limit, or make several tasks of the work.",
  },
  cancelled: { meaning: "The task was cancelled.", remedy: "Retry it if that was a mistake." },
  crashed: {
    meaning: "More workers died while they ran the task than `TASK_MAX_CRASHES` allows.",
    remedy:
      "`history` has each attempt. Usual causes are memory, the time limit of the function, and handlers that ignore their signal. Fix the handler, then retry.",
  },
  reset: {
    meaning: "An operator ended the task with `resetStuck`.",
    remedy: "Retry it if its effects may happen again.",
  },
  result_refused: {
    meaning: "The table refused what the handler returned, because of a type or a constraint.",
    remedy: "The message is Postgres's. Correct the result or the table, then retry.",
  },
  decryption_failed: {
    meaning:
      "The encrypted `task_data` was changed, moved here from a task of another type, or encrypted with another key of the same id.",
    remedy: "The row still has it. Put it or the key right, then retry.",
  },
  encryption_key_missing: {
    meaning:
      "The `task_data` is encrypted with a key that the worker does not have. The task waits, and is looked at again every five minutes; no attempt is counted.",
    remedy: "Put the key of this id back into `TASK_ENCRYPTION_KEYS`.",
  },
  "http_<status>": {
    meaning: "`http_request`: the server answered with this status, such as `http_404`.",
    remedy:
      "408, 425, 429 and 5xx are tried again while attempts are left: set `max_attempts`. For others, correct the request.",
  },
  http_timeout: {
    meaning: "`http_request`: request and answer together took longer than `timeout_seconds`.",
    remedy: "Raise `timeout_seconds` (600 at most), or set `max_attempts`.",
  },
  http_network: {
    meaning:
      "`http_request`: the connection failed, without a code of Node such as `ECONNREFUSED` or `ENOTFOUND`.",
    remedy: "The message says what happened. Set `max_attempts` to try again.",
  },
  http_address_refused: {
    meaning: "`http_request`: the address belongs to a private network or to this machine.",
    remedy: "If it may be reached, add it to `HTTP_REQUEST_ALLOW`.",
  },
  http_bad_redirect: {
    meaning: "`http_request`: the server redirects to something that is not an http or https URL.",
    remedy: "Correct the URL; or set `follow_redirects` to 0 to get the redirect itself.",
  },
  http_too_many_redirects: {
    meaning: "`http_request`: there are more redirects than `follow_redirects` allows.",
    remedy: "Use the final URL, or raise `follow_redirects` (5 at most).",
  },
  http_no_secret: {
    meaning: "`http_request`: it is to be signed, and `WEBHOOK_SECRETS` is not set.",
    remedy: "Set `WEBHOOK_SECRETS`, then retry.",
  },
  email_not_set_up: {
    meaning: "`email_batch`: neither `SMTP_URL` nor `EMAIL_SES` nor `EMAIL_OUTBOX` is set.",
    remedy: "Set one of them, then retry.",
  },
  email_failed: {
    meaning:
      "`email_batch`: the mail server could not be used, without a code such as `EAUTH` or `ECONNREFUSED`.",
    remedy: "The message says what happened. A retry sends to those who have got nothing yet.",
  },
  email_deferred: {
    meaning: "`email_batch`: the mail server wants some recipients another time, as with a greylist.",
    remedy: "It is tried again while attempts are left; after the last one they count as refused.",
  },
  export_not_set_up: {
    meaning: "`data_export`: `EXPORT_TO` is not set.",
    remedy: "Set it to a folder or to `s3://bucket/prefix`, then retry.",
  },
  export_key: {
    meaning:
      "`data_export`: the columns in `key` are null or not unique, so rows would be lost between two pages.",
    remedy: "Give the export a key that is unique and never null, then retry.",
  },
  cleanup_refused: {
    meaning:
      "`cleanup`, `cleanup_temp_files`: files are outside the data folder, or are not temporary files.",
    remedy: "The message names the files and the reasons. The other files are deleted.",
  },
  cleanup_failed: {
    meaning:
      "`cleanup`, `cleanup_temp_files`: files could not be deleted, without a code of Node such as `EACCES`.",
    remedy: "The message names the files. Correct what keeps them, then retry.",
  },
};
