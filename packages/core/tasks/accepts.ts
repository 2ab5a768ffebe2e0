/** What the schemas of what callers give have in common. */
import * as v from "valibot";
import { invalidRequest, mustBe } from "../errors.ts";
import { isStorable, STORABLE_TEXT } from "./storable.ts";

/** A schema's message for a value that is not what it must be. */
export const accepts = (what: string) => (issue: v.BaseIssue<unknown>) => mustBe(what, issue.input);

/** What is wrong with what a caller gave, field by field. */
export const issuesOf = (issues: readonly v.BaseIssue<unknown>[]) =>
  issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message }));

/** @throws TickworkError `invalid_request` with an issue for each field that is not what it must be */
export function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  given: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, given);
  if (result.success) return result.output;
  throw invalidRequest(issuesOf(result.issues));
}

/** To valibot, a list is an object: one without fields would be taken for one that says nothing. */
export const noList = <Schema extends v.GenericSchema>(schema: Schema): Schema => ({
  ...schema,
  "~run": (dataset, config) => {
    if (!Array.isArray(dataset.value)) return schema["~run"](dataset, config);
    v._addIssue(schema, "type", dataset, config);
    return dataset;
  },
});

/** A text that Postgres can keep. */
export const storable = v.check(isStorable, accepts(STORABLE_TEXT));
