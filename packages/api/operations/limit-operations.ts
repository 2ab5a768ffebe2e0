/** The operations on limits. */
import * as s from "../schemas/limit-schemas.ts";
import { UserHeadersSchema } from "../schemas/schemas.ts";

export const limitOperations = {
  putLimit: {
    method: "put",
    path: "/limits",
    scope: "admin",
    summary:
      "Makes the limit of a type, a queue or a key, or replaces it. No claim exceeds it from then on; what runs goes on.",
    json: s.LimitRequestSchema,
    headers: UserHeadersSchema,
    answer: { status: 200, schema: s.LimitSchema },
    errors: ["invalid_request", "unknown_type", "postgres_unavailable"],
  },
  listLimits: {
    method: "get",
    path: "/limits",
    scope: "read",
    summary: "All limits, by kind and name.",
    answer: { status: 200, schema: s.LimitsSchema },
    errors: ["postgres_unavailable"],
  },
  removeLimit: {
    method: "delete",
    path: "/limits",
    scope: "admin",
    summary: "Removes a limit. What it held back starts at once.",
    query: s.LimitQuerySchema,
    headers: UserHeadersSchema,
    answer: { status: 200, schema: s.LimitRemovedSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
} as const;
