/**
 * Kinds of stories: the fewer things may go wrong, the stricter what is expected. `hands`: others write the table and
 * the flag without a word. `versions`: half of the processes have newer code, with a type that the others do not know.
 * `nudges`: others write the table, and tell it before they commit. `starved`: processes stand still for longer than
 * their leases, and then go on. `retries`: with several slots, tasks that fail just when others become due. `outages`:
 * servers are away for ten minutes, with tasks due. `batches`: many short tasks, that run in batches, and deployments.
 * `leaders`: batches whose leader ends long before the others, or is ended by another program, while the flag is
 * deleted and others come due. `transactions`: apps enqueue in transactions, and die at any point of them. `keys`:
 * tasks with unique keys, while answers are lost, workers die and tasks fail, are retried, cancelled and removed.
 * `pauses`: types are paused and resumed, by processes that may die, and the cache is told in no order. `schedules`:
 * some recur every few seconds, take longer than that, and are changed meanwhile; workers die. `lanes`: tasks stand in
 * line under limits; workers die. `lines`: the same where nobody dies, and nothing that may start waits. `bulk`:
 * something is done to many tasks at once, while they run, fail and change; who asks and who does it die at any point.
 * `sweeps`: the same where nobody dies, and what was retried or rescheduled starts when it is due.
 */
export type Kind =
  | "calm"
  | "hurry"
  | "deploys"
  | "answers"
  | "late"
  | "crashes"
  | "hands"
  | "versions"
  | "nudges"
  | "transactions"
  | "pauses"
  | "schedules"
  | "keys"
  | "lanes"
  | "lines"
  | "bulk"
  | "sweeps"
  | "starved"
  | "retries"
  | "outages"
  | "batches"
  | "leaders"
  | "everything"
  | "clocks";

export const kinds: Kind[] = [
  "calm",
  "hurry",
  "deploys",
  "answers",
  "late",
  "crashes",
  "hands",
  "versions",
  "nudges",
  "transactions",
  "pauses",
  "schedules",
  "keys",
  "lanes",
  "lines",
  "bulk",
  "sweeps",
  "starved",
  "retries",
  "outages",
  "batches",
  "leaders",
  "clocks",
  "everything",
];
