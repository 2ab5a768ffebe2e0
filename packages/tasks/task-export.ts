import * as v from "valibot";
import { FINISHED_TASKS } from "../core/store/exported.ts";
import { defineExport } from "./define-export.ts";

const time = v.pipe(v.string(), v.isoTimestamp("must be a time in ISO 8601 with a zone"));

/** `tasks`: the tasks that have finished, without what they held. */
export const taskExport = defineExport({
  name: "tasks",
  sql: FINISHED_TASKS,
  columns: {
    id: "integer",
    type: "text",
    status: "text",
    attempts: "integer",
    crashes: "integer",
    scheduled_time: "timestamp",
    started_at: "timestamp",
    finished_at: "timestamp",
  },
  key: "id",
  params: v.strictObject({
    type: v.optional(v.nullable(v.string()), null),
    from: v.optional(v.nullable(time), null),
    to: v.optional(v.nullable(time), null),
  }),
});
