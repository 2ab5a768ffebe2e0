/** The fields of a new task that make it the only one of its key: their schemas, and how they go together. */
import * as v from "valibot";
import { type Issue, messageOf, mustBe, quote, refusal } from "../errors.ts";
import { NAME_LIMIT, UNIQUE_SECONDS_MAX } from "../limits.ts";
import { accepts, storable } from "./accepts.ts";
import { ON_CONFLICT, UNIQUE_FOR, type UniqueBy, type Uniqueness } from "./task.ts";
import { quoted, SECONDS } from "./unique-definition.ts";

const key = accepts(`a string of 1 to ${NAME_LIMIT} characters`);
const secondsOf = (message: ReturnType<typeof accepts>) =>
  v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(1, message),
    v.maxValue(UNIQUE_SECONDS_MAX, message),
  );
const duration = accepts(`${quoted(UNIQUE_FOR)} or ${SECONDS}`);

export const uniqueFields = {
  unique_key: v.pipe(
    v.nullish(v.pipe(v.string(key), v.minLength(1, key), v.maxLength(NAME_LIMIT, key), storable)),
    v.description("Among tasks of this type, one at a time has this key. Absent or null: the task has none."),
  ),
  unique_for: v.pipe(
    v.nullish(v.union([v.picklist(UNIQUE_FOR), secondsOf(duration)], duration)),
    v.description(
      "How long the key is taken: until a worker first takes the task (`waiting`, the default), until it has ended (`unfinished`), or for so many seconds after it was created.",
    ),
  ),
  on_conflict: v.pipe(
    v.nullish(v.picklist(ON_CONFLICT, accepts(`one of ${quoted(ON_CONFLICT)}`))),
    v.description(
      "When another task has the key: `keep` (the default) leaves that one as it is; if it waits, `replace` gives it the data, the due time and the options of this one, and `postpone` the due time where that is later.",
    ),
  ),
  longest_wait_seconds: v.pipe(
    v.nullish(secondsOf(accepts(SECONDS))),
    v.description(
      "How long after the waiting task was created `postpone`, which needs it, or `replace` may have it due at the latest.",
    ),
  ),
};

export const UniquenessSchema = v.object(uniqueFields);

/**
 * What the definition of its type says of a task, where its creator does not.
 *
 * @param at the path of the task
 * @throws TickworkError `invalid_request` when the definition cannot make a key of the data
 */
export function uniqueBy(by: UniqueBy<unknown>, given: Uniqueness, data: unknown, at: string): Uniqueness {
  const unique_key = given.unique_key === undefined ? keyBy(by, data, at) : given.unique_key;
  if (unique_key == null) return { ...given, unique_key };
  return {
    unique_key,
    unique_for: given.unique_for ?? by.for,
    on_conflict: given.on_conflict ?? by.onConflict,
    longest_wait_seconds: given.longest_wait_seconds ?? by.longestWaitSeconds,
  };
}

function keyBy({ key }: UniqueBy<unknown>, data: unknown, at: string): string | null | undefined {
  try {
    return key(data);
  } catch (error) {
    const path = at ? `${at}.task_data` : "task_data";
    throw refusal(path, `is nothing of which its type can make a unique key (${messageOf(error)})`);
  }
}

/** What does not go together; paths are names of fields. */
export function contradictions(task: Uniqueness & { scheduled_time?: unknown }): Issue[] {
  const { unique_key, unique_for, on_conflict, longest_wait_seconds, scheduled_time } = task;
  const issue = (path: keyof typeof task, message: string): Issue[] => [{ path, message }];
  if (unique_key == null) {
    const given = { unique_for, on_conflict, longest_wait_seconds };
    return Object.entries(given).flatMap(([name, value]) =>
      value == null ? [] : [{ path: name, message: "must come with a unique_key, got none" }],
    );
  }
  if (longest_wait_seconds != null && on_conflict !== "postpone" && on_conflict !== "replace")
    return issue(
      "longest_wait_seconds",
      `must come with on_conflict "postpone" or "replace", got ${quote(on_conflict ?? "keep")}`,
    );
  if (typeof unique_for === "number" && on_conflict != null && on_conflict !== "keep")
    return issue(
      "on_conflict",
      `${mustBe('"keep"', on_conflict)} with unique_for ${unique_for}: when its seconds are not over, the task may have run already`,
    );
  if (on_conflict !== "postpone") return [];
  if (longest_wait_seconds == null)
    return issue(
      "longest_wait_seconds",
      `must be ${SECONDS} with on_conflict "postpone", got none: without it, a task that is postponed again and again never runs`,
    );
  if (scheduled_time == null)
    return issue(
      "scheduled_time",
      'must be given with on_conflict "postpone": it is what a waiting task is postponed to',
    );
  return [];
}
