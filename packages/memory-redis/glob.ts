const SPECIAL_IN_REGEXP = /[\\^$.*+?()[\]{}|/-]/g;

const literal = (character: string): string => character.replace(SPECIAL_IN_REGEXP, "\\$&");

/**
 * Compiles a Redis pattern (KEYS, SCAN MATCH): `*`, `?`, `[abc]`, `[a-z]`, `[^a]` and `\` before a
 * character that shall stand for itself.
 */
export function compileGlob(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; ) {
    const character = pattern.charAt(at);
    if (character === "[") {
      const [set, next] = compileSet(pattern, at + 1);
      source += set;
      at = next;
      continue;
    }
    const isEscape = character === "\\" && at + 1 < pattern.length;
    if (isEscape) source += literal(pattern.charAt(at + 1));
    else if (character === "?") source += ".";
    // Stars in a row mean the same as one, and cost the RegExp far more.
    else if (character === "*") source += source.endsWith(".*") ? "" : ".*";
    else source += literal(character);
    at += isEscape ? 2 : 1;
  }
  return new RegExp(`^${source}$`, "s");
}

/** Compiles what follows a `[`. Redis takes a missing `]` for one at the end, and turns `z-a` around. */
function compileSet(pattern: string, start: number): [source: string, next: number] {
  const negated = pattern.charAt(start) === "^";
  let inside = "";
  let at = start + (negated ? 1 : 0);
  for (; at < pattern.length && pattern.charAt(at) !== "]"; at++) {
    if (pattern.charAt(at) === "\\" && at + 1 < pattern.length) inside += literal(pattern.charAt(++at));
    else if (pattern.charAt(at + 1) === "-" && at + 2 < pattern.length) {
      const [low, high] = [pattern.charAt(at), pattern.charAt(at + 2)].sort();
      inside += `${literal(low ?? "")}-${literal(high ?? "")}`;
      at += 2;
    } else inside += literal(pattern.charAt(at));
  }
  return [`[${negated ? "^" : ""}${inside}]`, at + 1];
}
