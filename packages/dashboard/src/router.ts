/** Addresses: `#/tasks?status=Error`. They work wherever the page is served, and can be shared. */
import { cell, useCell } from "./store.ts";

export interface Route {
  /** `["tasks", "7"]` */
  path: string[];
  query: URLSearchParams;
}

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** What cannot be decoded is shown as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const route = cell(read());
addEventListener("hashchange", () => route.set(read()));

export const useRoute = () => useCell(route);

/** @example linkTo(["tasks"], { status: "Error" }); // "#/tasks?status=Error" */
export function linkTo(
  path: readonly (string | number)[],
  query: Record<string, string | undefined> = {},
): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) given.set(name, value);
  const parts = path.map((part) => encodeURIComponent(part)).join("/");
  return `#/${parts}${given.size > 0 ? `?${given}` : ""}`;
}

export function go(path: readonly (string | number)[], query?: Record<string, string | undefined>): void {
  location.hash = linkTo(path, query);
}
