import * as v from "valibot";
import { SCOPES } from "../api-key.ts";
import { mustBe, quote } from "../errors.ts";
import { NAME_LIMIT } from "../limits.ts";
import { accepts, noList, storable } from "../tasks/accepts.ts";
import { parseTime, TIME_FORMAT, TIME_SHAPE } from "../tasks/time.ts";

const name = accepts(`a string of 1 to ${NAME_LIMIT} characters`);
const scopes = accepts(`a list of ${SCOPES.map(quote).join(", ")}, each once and one at least`);

/** A key that is to be made. */
export const NewApiKeySchema = noList(
  v.strictObject(
    {
      name: v.pipe(
        v.string(name),
        v.minLength(1, name),
        v.maxLength(NAME_LIMIT, name),
        storable,
        v.description("What it is for. Tasks that it creates or changes have it as their user."),
      ),
      scopes: v.pipe(
        v.array(v.picklist(SCOPES, scopes), scopes),
        v.minLength(1, scopes),
        v.maxLength(SCOPES.length, scopes),
        v.check((given) => new Set(given).size === given.length, scopes),
        v.description("What it may do, each apart from the others."),
      ),
      expires_at: v.pipe(
        v.nullish(
          v.pipe(
            v.string(accepts(TIME_FORMAT)),
            v.metadata({ pattern: TIME_SHAPE.source }),
            v.check((time) => parseTime(time) !== undefined, accepts(TIME_FORMAT)),
          ),
        ),
        v.description(`When it ends: ${TIME_FORMAT}, in the future. Absent or null: it does not.`),
      ),
    },
    (issue) => {
      if (issue.expected === "never") return "is not known here; name, scopes and expires_at can be given";
      return issue.path ? "is missing" : `the body ${mustBe("an object with name and scopes", issue.input)}`;
    },
  ),
);
