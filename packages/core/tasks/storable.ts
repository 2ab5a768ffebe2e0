/** What Postgres can keep of a value, and JSON can hold: everything else would be stored as something else, or not at all. */
import { type Issue, mustBe } from "../errors.ts";
import { JSON_DEPTH_LIMIT } from "../limits.ts";

export const STORABLE_TEXT = "text without U+0000 and without half a surrogate pair";

export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

/** What `findUnstorable` met on its way. */
export interface Met {
  /** JSON makes something else of a value inside: of a Date a string, of a Map an empty object. */
  converted: boolean;
}

/** The first value inside that cannot be stored as it is; its path is in dots, and begins with `path`. */
export function findUnstorable(value: unknown, path: string, met: Met): Issue | undefined {
  const fault = faultOf(value, 0, met);
  return fault && { path: [path, ...fault.path].join("."), message: fault.message };
}

interface Fault {
  path: (string | number)[];
  message: string;
}

function faultOf(value: unknown, depth: number, met: Met): Fault | undefined {
  if (typeof value === "string")
    return isStorable(value) ? undefined : { path: [], message: mustBe(STORABLE_TEXT, value) };
  if (typeof value === "number")
    return Number.isFinite(value) ? undefined : { path: [], message: mustBe("a finite number", value) };
  if (typeof value === "bigint")
    return { path: [], message: mustBe("a number that JSON has, or a string", value) };
  if (typeof value === "object" && value !== null) return faultInside(value, depth, met);
  met.converted ||= typeof value !== "boolean" && value !== null;
  return undefined;
}

function faultInside(value: object, depth: number, met: Met): Fault | undefined {
  // Also where an object contains itself.
  if (depth === JSON_DEPTH_LIMIT)
    return { path: [], message: `must be nested at most ${JSON_DEPTH_LIMIT} levels deep` };
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") {
    met.converted = true;
    return faultOf(toJSON.call(value), depth + 1, met);
  }
  if (Array.isArray(value)) {
    for (const [n, one] of value.entries()) {
      const fault = faultOf(one, depth + 1, met);
      if (fault) return inside(n, fault);
    }
    return undefined;
  }
  met.converted ||= !PLAIN.has(Object.getPrototypeOf(value));
  for (const key of Object.keys(value)) {
    if (!isStorable(key))
      return { path: [key], message: mustBe(`under a name that is ${STORABLE_TEXT}`, key) };
    const fault = faultOf((value as Record<string, unknown>)[key], depth + 1, met);
    if (fault) return inside(key, fault);
  }
  return undefined;
}

const PLAIN = new Set<unknown>([Object.prototype, null]);

const inside = (key: string | number, fault: Fault): Fault => ({ ...fault, path: [key, ...fault.path] });
