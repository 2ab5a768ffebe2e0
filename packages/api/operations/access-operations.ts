/** The operations on keys, sessions and the audit log. */
import * as a from "../schemas/access-schemas.ts";
import { UserHeadersSchema } from "../schemas/schemas.ts";

export const accessOperations = {
  createKey: {
    method: "post",
    path: "/keys",
    scope: "admin",
    summary: "Makes an API key, and shows it: nobody can see it later.",
    json: a.NewApiKeySchema,
    headers: UserHeadersSchema,
    answer: { status: 201, schema: a.MadeApiKeySchema },
    errors: ["too_many_keys", "invalid_request", "postgres_unavailable"],
  },
  listKeys: {
    method: "get",
    path: "/keys",
    scope: "admin",
    summary: "The API keys that were made, without what they are.",
    answer: { status: 200, schema: a.ApiKeysSchema },
    errors: ["postgres_unavailable"],
  },
  deleteKey: {
    method: "delete",
    path: "/keys/:id",
    scope: "admin",
    summary: "Withdraws an API key, and ends the sessions that began with it.",
    headers: UserHeadersSchema,
    answer: { status: 204 },
    errors: ["key_not_found", "postgres_unavailable"],
  },
  audit: {
    method: "get",
    path: "/audit",
    scope: "admin",
    summary: "Who changed what, the newest first: keys, what operators did, tasks that were deleted.",
    query: a.AuditQuerySchema,
    answer: { status: 200, schema: a.AuditSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
  signIn: {
    method: "post",
    path: "/session",
    summary: "Signs a browser in with an API key: a cookie takes its place.",
    json: a.SignInSchema,
    answer: {
      status: 201,
      schema: a.SessionSchema,
      headers: { "Set-Cookie": "The session: HttpOnly, SameSite=Strict and, off localhost, Secure." },
    },
    errors: ["key_wrong", "key_expired", "cross_site", "invalid_request", "postgres_unavailable"],
    open: true,
  },
  session: {
    method: "get",
    path: "/session",
    summary: "The name behind the session or the key of the request, and what it may do.",
    answer: { status: 200, schema: a.SessionSchema },
    errors: [],
  },
  signOut: {
    method: "delete",
    path: "/session",
    summary: "Signs a browser out: its cookie goes.",
    answer: { status: 204 },
    errors: ["cross_site"],
    open: true,
  },
} as const;
