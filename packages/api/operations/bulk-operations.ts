/** The operations on many tasks. */
import { BulkRequestSchema } from "../../core/tasks/filter-schema.ts";
import * as s from "../schemas/schemas.ts";

export const bulkOperations = {
  bulk: {
    method: "post",
    path: "/tasks/bulk",
    scope: "write",
    summary:
      "Retries, cancels, deletes or reschedules all tasks that meet a filter. A task does it, which is the answer; a dry run answers how many there are.",
    json: BulkRequestSchema,
    headers: s.CreateHeadersSchema,
    answer: { status: 202, schema: s.TaskSchema },
    otherwise: {
      status: 200,
      schema: s.BulkCountSchema,
      when: "It was a dry run, which changes nothing.",
    },
    errors: ["invalid_request", "idempotency_key_reused", "tasks_deleted", "postgres_unavailable"],
  },
} as const;
