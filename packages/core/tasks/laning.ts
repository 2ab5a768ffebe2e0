/** The fields of a task that say where it stands in line: their schemas. */
import * as v from "valibot";
import { PRIORITY_LIMIT } from "../lane-limits.ts";
import { NAME_LIMIT } from "../limits.ts";
import { accepts, storable } from "./accepts.ts";
import { isKey, KEY_SHAPE } from "./limit.ts";

const name = accepts(`a string of 1 to ${NAME_LIMIT} characters`);
const key = accepts(KEY_SHAPE);
const priority = accepts(`a whole number from -${PRIORITY_LIMIT} to ${PRIORITY_LIMIT}`);
const text = v.pipe(v.string(name), v.minLength(1, name), v.maxLength(NAME_LIMIT, name), storable);

export const laneFields = {
  priority: v.pipe(
    v.nullish(
      v.pipe(
        v.number(priority),
        v.integer(priority),
        v.minValue(-PRIORITY_LIMIT, priority),
        v.maxValue(PRIORITY_LIMIT, priority),
      ),
    ),
    v.description(
      "Among the tasks of its group, each point is worth a minute of waiting. Absent or null means 0.",
    ),
  ),
  queue: v.pipe(v.nullish(text), v.description("A named line, which may have limits of its own.")),
  concurrency_key: v.pipe(
    v.nullish(v.pipe(text, v.check(isKey, key))),
    v.description(
      "Whose task it is. Keys take turns, and those that are alike up to the first / take theirs together.",
    ),
  ),
};
