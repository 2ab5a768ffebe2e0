import type { Due } from "../core/tasks/standing.ts";

/** Cursors are opaque to callers. */
export const encoded = (text: string): string => Buffer.from(text).toString("base64url");
const decoded = (cursor: string, form: RegExp): (number | undefined)[] | undefined => {
  const numbers = form.exec(Buffer.from(cursor, "base64url").toString())?.slice(1).map(Number);
  return numbers?.every(Number.isSafeInteger) ? numbers : undefined;
};

/** Of the list: the id before which the next page begins. */
export const cursorOf = (id: number): string => encoded(`before:${id}`);
export const idOf = (cursor: string) => decoded(cursor, /^before:([1-9]\d{0,15})$/)?.[0];

/** Of the window: the task after which the next page begins. */
export const cursorAfter = ({ id, atMs }: Due): string => encoded(`after:${atMs}:${id}`);
export const dueOf = (cursor: string): Due | undefined => {
  const [atMs, id] = decoded(cursor, /^after:(-?\d{1,15}):([1-9]\d{0,15})$/) ?? [];
  return atMs === undefined || id === undefined ? undefined : { atMs, id };
};
