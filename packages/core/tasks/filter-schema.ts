/** The one place that reads which tasks are meant: in a query, where all is text, and in JSON. */
import * as v from "valibot";
import { mustBe, quote } from "../errors.ts";
import { NAME_LIMIT } from "../limits.ts";
import { accepts, noList, storable } from "./accepts.ts";
import { BULK_ACTIONS, type BulkAction, narrows, statusOf, TAKEN_BY, type TaskFilter } from "./filter.ts";
import { TASK_STATUSES } from "./task.ts";
import { parseTime, TIME_FORMAT, TIME_SHAPE } from "./time.ts";

const nonEmpty = accepts(`1 to ${NAME_LIMIT} characters`);

export const named = v.pipe(
  v.string(nonEmpty),
  v.minLength(1, nonEmpty),
  v.maxLength(NAME_LIMIT, nonEmpty),
  storable,
);

/** What is said of a field has to come before it is transformed, or the description of the API does not have it. */
const flag = (description: string) =>
  v.optional(
    v.pipe(
      v.union([v.literal(true), v.literal("true")], accepts("true")),
      v.description(description),
      v.transform(() => true as const),
    ),
  );

const time = (description: string) =>
  v.optional(
    v.pipe(
      v.union(
        [v.pipe(v.string(), v.metadata({ pattern: TIME_SHAPE.source })), v.date()],
        accepts(TIME_FORMAT),
      ),
      v.description(description),
      v.check((time) => parseTime(time) !== undefined, accepts(TIME_FORMAT)),
      v.transform((time) => parseTime(time) as string),
    ),
  );

/** The fields of a filter. */
export const filterFields = {
  status: v.optional(
    v.pipe(
      v.picklist(TASK_STATUSES, accepts(`one of ${TASK_STATUSES.map(quote).join(", ")}`)),
      v.description("Only tasks of this status."),
    ),
  ),
  type: v.optional(
    v.pipe(v.string(accepts("a string")), storable, v.description("Only tasks of this type.")),
  ),
  queue: v.optional(v.pipe(named, v.description("Only tasks in this queue."))),
  concurrency_key: v.optional(v.pipe(named, v.description("Only tasks of this key, to the letter."))),
  text: v.optional(
    v.pipe(
      named,
      v.description(
        "Only tasks with this text in their data, result or error. JSON above 16 KB is not searched.",
      ),
    ),
  ),
  dead: flag("Only tasks in Error that have no attempts left."),
  waiting_for_code: flag("Only tasks that are due and of a type, or a version of it, that nobody here runs."),
  created_from: time("Created then or later."),
  created_to: time("Created before that."),
  scheduled_from: time("Due then or later."),
  scheduled_to: time("Due before that."),
};

export const FILTER_NAMES = Object.keys(filterFields).join(", ");

/** What no task can be at once, with the field that is to blame. */
export function contradictionsIn({ status, dead, waiting_for_code, ...times }: TaskFilter) {
  const wrong: { path: keyof TaskFilter; message: string }[] = [];
  const needs = (path: "dead" | "waiting_for_code", its: "Error" | "Not started") => {
    if (status !== undefined && status !== its)
      wrong.push({ path: "status", message: `${mustBe(`${quote(its)} or absent`, status)}, beside ${path}` });
  };
  if (dead) needs("dead", "Error");
  if (waiting_for_code) needs("waiting_for_code", "Not started");
  if (dead && waiting_for_code)
    wrong.push({
      path: "dead",
      message: "must be absent beside waiting_for_code, for such tasks have not started",
    });
  for (const kind of ["created", "scheduled"] as const) {
    const [from, to] = [times[`${kind}_from`], times[`${kind}_to`]];
    if (from !== undefined && to !== undefined && from >= to)
      wrong.push({ path: `${kind}_to`, message: mustBe(`later than ${kind}_from, ${from}`, to) });
  }
  return wrong;
}

/** Refuses a filter that no task can meet. */
export const consistent = <Filter extends TaskFilter>() =>
  v.rawCheck<Filter>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const { path, message } of contradictionsIn(dataset.value))
      addIssue({ message, path: [pathItem(dataset.value, path)] });
  });

const pathItem = (given: object, key: string): v.ObjectPathItem => {
  const input = given as Record<string, unknown>;
  return { type: "object", origin: "value", input, key, value: input[key] };
};

const onlyThese = (what: string, names: string) => (issue: v.StrictObjectIssue) => {
  if (issue.expected === "never") return `is not known here; ${names} can be given`;
  return issue.path ? "is missing" : `${what} ${mustBe(`an object with ${names}`, issue.input)}`;
};

const FilterObject = noList(
  v.strictObject(filterFields, (issue) => {
    if (issue.expected === "never") return `is not known here; ${FILTER_NAMES} can be given`;
    return mustBe(`an object with some of ${FILTER_NAMES}`, issue.input);
  }),
);

export const TaskFilterSchema = v.pipe(
  FilterObject,
  consistent<v.InferOutput<typeof FilterObject>>(),
  v.description("Which tasks: those that meet all of it."),
);

const bulkFields = {
  action: v.pipe(
    v.picklist(BULK_ACTIONS, accepts(`one of ${BULK_ACTIONS.map(quote).join(", ")}`)),
    v.description("What is done to each of them, as the operation of this name does it."),
  ),
  filter: TaskFilterSchema,
  scheduled_time: time("For reschedule, which needs it: when they are due."),
  confirm: v.optional(
    v.pipe(
      v.boolean(accepts("true or false")),
      v.description("That all tasks are meant. A filter that is empty, or has a status alone, needs it."),
    ),
  ),
};

interface ParsedBulk {
  action: BulkAction;
  filter: TaskFilter;
  scheduled_time?: string | undefined;
  confirm?: boolean | undefined;
  dry_run?: boolean | undefined;
}

/** Refuses what the action cannot do, and what takes all tasks without saying so. */
const fitting = <Given extends ParsedBulk>() =>
  v.rawCheck<Given>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const given = dataset.value;
    const { action, filter, scheduled_time, confirm = false, dry_run = false } = given;
    const refuse = (field: keyof ParsedBulk, message: string, ofFilter?: keyof TaskFilter) =>
      addIssue({
        message,
        path: [pathItem(given, field), ...(ofFilter ? [pathItem(filter, ofFilter)] : [])],
      });
    const { usual, named } = TAKEN_BY[action];
    const taken = [...usual, ...named];
    const status = statusOf(filter);
    const isTaken = status === undefined || taken.includes(status);
    if (!isTaken) {
      const field = (["status", "dead", "waiting_for_code"] as const).find(
        (name) => filter[name] !== undefined,
      );
      const message = `means tasks that are ${quote(status)}; ${action} takes those that are ${taken.map(quote).join(" or ")}`;
      refuse("filter", message, field);
    }
    if (action === "reschedule" && scheduled_time === undefined)
      refuse("scheduled_time", `is missing: reschedule needs ${TIME_FORMAT}`);
    if (action !== "reschedule" && scheduled_time !== undefined)
      refuse(
        "scheduled_time",
        `must be absent, for only reschedule takes a time, got the action ${quote(action)}`,
      );
    if (isTaken && !confirm && !dry_run && !narrows(filter))
      refuse(
        "confirm",
        `must be true, for the filter takes all tasks${status === undefined ? "" : " with this status"}; or give it some of ${FILTER_NAMES}`,
      );
  });

const names = Object.keys(bulkFields).join(", ");

const DataObject = noList(v.strictObject(bulkFields, onlyThese("the data", names)));

/** What the task has as its data. */
export const BulkDataSchema = v.pipe(DataObject, fitting<v.InferOutput<typeof DataObject>>());

const RequestObject = noList(
  v.strictObject(
    {
      ...bulkFields,
      dry_run: v.optional(
        v.pipe(
          v.boolean(accepts("true or false")),
          v.description("Only counts the tasks that would be taken now; nothing changes."),
        ),
      ),
    },
    onlyThese("the body", `${names}, dry_run`),
  ),
);

/** What a caller sends. */
export const BulkRequestSchema = v.pipe(RequestObject, fitting<v.InferOutput<typeof RequestObject>>());
