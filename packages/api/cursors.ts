import type { ListPlace, TaskSort } from "#core";
import type { Due } from "../core/tasks/standing.ts";

/** Cursors are opaque to callers. */
export const encoded = (text: string): string => Buffer.from(text).toString("base64url");
const decoded = (cursor: string, form: RegExp): (number | undefined)[] | undefined => {
  const numbers = form.exec(Buffer.from(cursor, "base64url").toString())?.slice(1).map(Number);
  return numbers?.every(Number.isSafeInteger) ? numbers : undefined;
};

/** As Postgres writes a time in JSON; what it cannot read it refuses. */
const PLACE = /^(-?(?:created|due|finished)) ([1-9]\d{0,15})(?: ([-+:.TBC\d ]{1,40}|-?infinity))?$/;

/** Of the list of tasks: its order, and the task after which the next page begins. */
export const cursorOfPlace = (sort: TaskSort, { id, at }: ListPlace): string =>
  encoded([sort, id, ...(at === undefined ? [] : [at])].join(" "));
export const placeOfCursor = (cursor: string): { sort: TaskSort; place: ListPlace } | undefined => {
  const [, sort = "", id, at] = PLACE.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  const isByTime = !sort.endsWith("created");
  if (id === undefined || !Number.isSafeInteger(Number(id)) || isByTime !== (at !== undefined))
    return undefined;
  return { sort: sort as TaskSort, place: { id: Number(id), ...(at && { at }) } };
};

/** Of the audit log: the id before which the next page begins. */
export const cursorOf = (id: number): string => encoded(`before:${id}`);
export const idOf = (cursor: string) => decoded(cursor, /^before:([1-9]\d{0,15})$/)?.[0];

/** Of the window: the task after which the next page begins. */
export const cursorAfter = ({ id, atMs }: Due): string => encoded(`after:${atMs}:${id}`);
export const dueOf = (cursor: string): Due | undefined => {
  const [atMs, id] = decoded(cursor, /^after:(-?\d{1,15}):([1-9]\d{0,15})$/) ?? [];
  return atMs === undefined || id === undefined ? undefined : { atMs, id };
};
