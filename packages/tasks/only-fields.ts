import * as v from "valibot";

/** An object that has these fields and no others: a misspelt option must not be ignored silently. */
export function onlyFields<const Entries extends v.ObjectEntries>(entries: Entries) {
  const accepted = Object.keys(entries).join(", ");
  return v.strictObject(entries, (issue) => {
    if (issue.expected === "never") return `is not a field that is known here; these are: ${accepted}`;
    // Valibot expects the quoted name of a field that is not there.
    if (issue.expected?.startsWith('"')) return "is missing";
    return `${issue.received} is not accepted; an object with ${accepted} is`;
  });
}
