/** The operations on pauses. */
import * as s from "../schemas/pause-schemas.ts";
import { UserHeadersSchema } from "../schemas/schemas.ts";

export const pauseOperations = {
  pause: {
    method: "put",
    path: "/pauses",
    scope: "admin",
    summary:
      "Pauses everything, a type, a queue or a key: what runs goes on, what waits starts when it is resumed.",
    json: s.PauseRequestSchema,
    headers: UserHeadersSchema,
    answer: { status: 200, schema: s.PauseSchema },
    errors: ["invalid_request", "unknown_type", "postgres_unavailable"],
  },
  listPauses: {
    method: "get",
    path: "/pauses",
    scope: "read",
    summary: "What is paused, the oldest pause first.",
    answer: { status: 200, schema: s.PausesSchema },
    errors: ["postgres_unavailable"],
  },
  resume: {
    method: "delete",
    path: "/pauses",
    scope: "admin",
    summary: "Resumes what was paused under this name. What is due starts at once.",
    query: s.ResumeQuerySchema,
    headers: UserHeadersSchema,
    answer: { status: 200, schema: s.ResumedSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
} as const;
