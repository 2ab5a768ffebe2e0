import { VERSION_LIMIT } from "../limits.ts";
import type { TaskDefinition } from "./define-task.ts";

/** A type in one of its versions, as claims and the cache tell it from others: `greet`, `greet@2`. */
export function versionedType(type: string, version: number | null | undefined): string {
  return version === null || version === undefined ? type : `${type}@${version}`;
}

/** What a row has: the first version goes without saying, as in rows that are older than versions. */
export const versionOfRow = (version: number | null | undefined): number | null =>
  version === undefined || version === 1 ? null : version;

/** The versions of its type that a definition runs. */
export function versionsOf({ version = 1, migrate }: Pick<TaskDefinition, "version" | "migrate">): number[] {
  return migrate ? Array.from({ length: version }, (_, n) => n + 1) : [version];
}

/** What such a name would be mistaken for. */
export const LIKE_A_VERSION = /@\d+$/;

/** What is wrong with the version of a definition, if anything. */
export function flawOfVersion({
  type,
  version = 1,
  migrate,
  foreign,
}: Pick<TaskDefinition, "type" | "version" | "migrate" | "foreign">): string | undefined {
  if (LIKE_A_VERSION.test(type))
    return "its name must not end in @ and a number: that is how versions are told";
  if (!Number.isInteger(version) || version < 1 || version > VERSION_LIMIT)
    return `version must be a whole number from 1 to ${VERSION_LIMIT}, got ${version}`;
  if (foreign && version > 1) return "another program runs it, so version has no meaning";
  return migrate && version === 1 ? "with migrate it must have a version above 1" : undefined;
}
