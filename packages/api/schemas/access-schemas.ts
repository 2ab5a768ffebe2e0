/** What the API takes and answers of keys, sessions and the audit log. */
import * as v from "valibot";
import { NewApiKeySchema } from "../../core/access/new-key.ts";
import { AUDIT_ACTIONS, SCOPES } from "../../core/api-key.ts";
import { noList } from "../../core/tasks/accepts.ts";
import { idOf } from "../cursors.ts";
import { cursorFrom, LIST_LIMIT, limitFrom, onlyThese } from "./query-schemas.ts";
import { positive, time } from "./schemas.ts";

export { NewApiKeySchema };

export const AuditQuerySchema = v.strictObject(
  { limit: limitFrom(LIST_LIMIT), cursor: v.optional(cursorFrom(idOf, "a next_cursor")) },
  onlyThese("limit and cursor"),
);

export const SignInSchema = noList(
  v.strictObject(
    {
      key: v.pipe(
        v.string(() => "must be an API key"),
        v.description("The API key."),
      ),
    },
    onlyThese("key"),
  ),
);

const scopes = v.pipe(v.array(v.picklist(SCOPES)), v.description("What it may do."));

const ApiKeySchema = v.object({
  id: v.pipe(positive, v.description("Opaque.")),
  name: v.string(),
  scopes,
  created_at: time,
  expires_at: v.pipe(v.nullable(time), v.description("When it ends; null: it does not.")),
  used_at: v.pipe(v.nullable(time), v.description("When it was last used, to an hour; null: never.")),
});
export const ApiKeysSchema = v.object({ keys: v.array(ApiKeySchema) });
export const MadeApiKeySchema = v.object({
  ...ApiKeySchema.entries,
  key: v.pipe(v.string(), v.description("The key itself.")),
});

export const SessionSchema = v.object({
  name: v.pipe(v.string(), v.description("That of the key.")),
  scopes,
  expires_at: v.pipe(
    v.nullable(time),
    v.description("When the session ends, or the key; null: it does not."),
  ),
});

export const AuditSchema = v.object({
  entries: v.array(
    v.object({
      id: positive,
      at: time,
      action: v.picklist(AUDIT_ACTIONS),
      subject: v.pipe(v.nullable(v.string()), v.description("What was changed; null: the whole.")),
      key_id: v.pipe(v.nullable(positive), v.description("Null: the key of the environment.")),
      key_name: v.string(),
      user_id: v.pipe(v.nullable(v.string()), v.description("Tickwork-User, as the caller sent it.")),
    }),
  ),
  next_cursor: v.pipe(v.nullable(v.string()), v.description("Of the next page; null on the last.")),
});
