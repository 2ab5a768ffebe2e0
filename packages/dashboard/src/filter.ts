import type { TaskFilter, TaskSort, TaskStatus } from "#client";

/** Which tasks a list shows, as the address has it. */
export interface Filter {
  status?: TaskStatus | undefined;
  type?: string | undefined;
  text?: string | undefined;
  queue?: string | undefined;
  concurrency_key?: string | undefined;
  dead?: "true" | undefined;
  waiting_for_code?: "true" | undefined;
  created_from?: string | undefined;
  created_to?: string | undefined;
  scheduled_from?: string | undefined;
  scheduled_to?: string | undefined;
}

export const TIMES = ["created_from", "created_to", "scheduled_from", "scheduled_to"] as const;
export const LINES = ["queue", "concurrency_key"] as const;
export const FLAGS = ["dead", "waiting_for_code"] as const;
export const STATUSES: (TaskStatus | undefined)[] = [
  undefined,
  "Not started",
  "Running",
  "Completed",
  "Error",
];

export function filterOf(query: URLSearchParams): Filter {
  const filter: Filter = {
    status: STATUSES.find((status) => status !== undefined && status === query.get("status")),
    type: query.get("type") || undefined,
    text: query.get("text") || undefined,
  };
  for (const name of LINES) filter[name] = query.get(name) || undefined;
  for (const name of FLAGS) if (query.get(name) === "true") filter[name] = "true";
  for (const name of TIMES) {
    const time = query.get(name);
    if (time && !Number.isNaN(Date.parse(time))) filter[name] = time;
  }
  return filter;
}

/** As the API takes it. */
export function taskFilterOf({ dead, waiting_for_code, ...filter }: Filter): TaskFilter {
  return { ...filter, ...(dead && { dead: true }), ...(waiting_for_code && { waiting_for_code: true }) };
}

const isSet = (filter: Partial<Record<string, unknown>>) =>
  Object.values(filter).some((value) => value !== undefined);

export const isEmpty = (filter: Filter): boolean => !isSet({ ...filter });

/** Whether tasks have to be looked through for it: no index finds them. */
export const isLooked = ({ status: _, type: __, ...looked }: Filter): boolean => isSet({ ...looked });

/** In which orders the tasks of a status are listed quickly, and what people call them. */
const ORDERS: readonly [TaskSort, label: string, statuses?: readonly TaskStatus[]][] = [
  ["-created", "Newest"],
  ["created", "Oldest"],
  ["due", "Due first", ["Not started"]],
  ["-due", "Due last", ["Not started"]],
  ["-finished", "Ended last", ["Completed", "Error"]],
  ["finished", "Ended first", ["Completed", "Error"]],
];
export const ordersOf = (status: TaskStatus | undefined) =>
  ORDERS.filter(([, , statuses]) => !statuses || (status && statuses.includes(status)));

/** As the address has it, where these tasks have that order. */
export const sortOf = (query: URLSearchParams, { status }: Filter): TaskSort =>
  ordersOf(status).find(([sort]) => sort === query.get("sort"))?.[0] ?? "-created";
