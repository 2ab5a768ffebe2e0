/** The chapters of the API, as its readers see them. */
const TAGS = [
  {
    name: "Tasks",
    description: "Create tasks, look at them, change, retry, cancel and delete them.",
    paths: /^\/tasks(\/:id.*|\/bulk)?$/,
  },
  { name: "Schedules", description: "Tasks that recur.", paths: /^\/schedule/ },
  { name: "Types", description: "What there is to run, and who runs it.", paths: /^\/types/ },
  {
    name: "State",
    description: "How the service does, at a glance and in detail.",
    paths: /^\/(health|tasks\/(overview|stats|not-started))/,
  },
  {
    name: "Operating",
    description: "Pause, resume and limit, and what is rarely needed.",
    paths: /^\/(pauses|limits|tasks\/(running|refresh|reset-stuck))/,
  },
  { name: "Access", description: "Keys, sessions, and who changed what.", paths: /^\/(keys|session|audit)/ },
  {
    name: "Other programs",
    description: "For those that write to the same tables, and those that read this description.",
    paths: /^\//,
  },
] as const;

/** As OpenAPI lists them. */
export const tags = TAGS.map(({ name, description }) => ({ name, description }));

/** @example tagOf("/tasks/:id"); // "Tasks" */
export const tagOf = (path: string): string => TAGS.find(({ paths }) => paths.test(path))?.name ?? "";
