/** What the API takes in queries: all of it is text. */
import * as v from "valibot";
import { TASK_SORTS } from "#core";
import { mustBe, quote } from "../../core/errors.ts";
import { accepts } from "../../core/tasks/accepts.ts";
import { consistent, FILTER_NAMES, filterFields } from "../../core/tasks/filter-schema.ts";
import { dueOf, placeOfCursor } from "../cursors.ts";

/** How many tasks a page of the list has. */
export const LIST_LIMIT = { default: 50, max: 200 };

/**
 * Says of a field that is not one of these, or is missing, that it is so.
 *
 * @param otherwise what is said of a value that is no object; default: that the body must be one
 */
export const onlyThese =
  (
    names: string,
    otherwise: ReturnType<typeof accepts> = ({ input }) =>
      `the body ${mustBe(`an object with ${names}`, input)}`,
  ) =>
  (issue: v.StrictObjectIssue) => {
    if (issue.expected === "never") return `is not known here; ${names} can be given`;
    return issue.path ? "is missing" : otherwise(issue);
  };

/** How many waiting tasks a page has. */
const NOT_STARTED_LIMIT = { default: 1_000, max: 1_000 };

/** A parameter is a text; `metadata` is what the text says. */
export const limitFrom = ({ default: usual, max }: { default: number; max: number }) => {
  const message = accepts(`a whole number from 1 to ${max}`);
  return v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.check((text) => /^\d+$/.test(text), message),
        v.transform(Number),
        v.minValue(1, message),
        v.maxValue(max, message),
      ),
      String(usual),
    ),
    v.metadata({ type: "integer", minimum: 1, maximum: max, default: usual }),
  );
};

/** What one of these functions reads. */
export const cursorFrom = <Read>(read: (cursor: string) => Read | undefined, where: string) => {
  const message = accepts(`${where} of an earlier answer`);
  return v.pipe(
    v.string(),
    v.check((cursor) => read(cursor) !== undefined, message),
    v.transform((cursor) => read(cursor) as Read),
  );
};

const ListQueryObject = v.strictObject(
  {
    ...filterFields,
    sort: v.pipe(
      v.optional(v.picklist(TASK_SORTS, accepts(`one of ${TASK_SORTS.map(quote).join(", ")}`)), "-created"),
      v.description(
        "The order: by creation, which is the default, the newest first; with the status Not started by due time; with Completed or Error by the end. `-`: the last one first.",
      ),
    ),
    limit: limitFrom(LIST_LIMIT),
    cursor: v.optional(cursorFrom(placeOfCursor, "a next_cursor")),
  },
  onlyThese(`${FILTER_NAMES}, sort, limit and cursor`),
);
export const ListQuerySchema = v.pipe(
  ListQueryObject,
  consistent<v.InferOutput<typeof ListQueryObject>>(),
  v.forward(
    v.check(
      ({ sort, cursor }) => cursor === undefined || cursor.sort === sort,
      "must be a next_cursor of a list with the same sort",
    ),
    ["cursor"],
  ),
);

export const NotStartedQuerySchema = v.strictObject(
  {
    limit: limitFrom(NOT_STARTED_LIMIT),
    cursor: v.optional(cursorFrom(dueOf, "the cursor in the Link header")),
  },
  onlyThese("limit and cursor"),
);
