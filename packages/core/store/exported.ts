/** What `data_export` reads of the table of tasks: those that have finished, without what they held. */
const FINISHED_TASKS = `select id, type, task_status::text as status, attempts, crashes, scheduled_time, started_at, finished_at
  from "baasix_Tasks" where task_status in ('Completed', 'Error')
    and (:type::text is null or type = :type::text)
    and (:from::timestamptz is null or finished_at >= :from::timestamptz)
    and (:to::timestamptz is null or finished_at < :to::timestamptz)`;

export { FINISHED_TASKS };
