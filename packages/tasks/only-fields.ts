import * as v from "valibot";
import { mustBe } from "../core/errors.ts";

/** An object with these fields and no others: a misspelt option must not be ignored silently. */
export function onlyFields<const Entries extends v.ObjectEntries>(entries: Entries) {
  const accepted = Object.keys(entries).join(", ");
  return v.strictObject(entries, (issue) => {
    if (issue.expected === "never") return `is not a known field; these are: ${accepted}`;
    // For a missing field, what Valibot expected is the field's quoted name.
    if (issue.expected?.startsWith('"')) return "is missing";
    return mustBe(`an object with ${accepted}`, issue.input);
  });
}
