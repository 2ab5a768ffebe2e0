const CLASSES: Readonly<Record<string, string>> = {
  a: "[A-Za-z]",
  d: "[0-9]",
  s: "[\\t-\\r ]",
  w: "[^\\W_]",
};
/** Positions, sets, other classes, `%b` and `%f`. */
const UNKNOWN = /\(\)|(?<!%)\[|%(?![adsw])[A-Za-z0-9]/;
const ITEM = /%(.)|[-.^$\]{}|\\]/gs;

const known = new Map<string, RegExp | undefined>();

/** A Lua pattern as a regular expression, or undefined when it has an item that is not translated. */
export function compilePattern(pattern: string): RegExp | undefined {
  if (!known.has(pattern))
    known.set(pattern, UNKNOWN.test(pattern) ? undefined : new RegExp(pattern.replace(ITEM, translate), "s"));
  return known.get(pattern);
}

function translate(item: string, escaped: string | undefined, at: number, pattern: string): string {
  if (escaped !== undefined) return CLASSES[escaped] ?? `\\${escaped}`;
  if (item === "-") return "*?";
  const isAnchor = (item === "^" && at === 0) || (item === "$" && at === pattern.length - 1);
  return isAnchor || item === "." ? item : `\\${item}`;
}
