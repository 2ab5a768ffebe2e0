/** The operations for whoever looks at the whole. */
import * as s from "../schemas/insight-schemas.ts";

export const insightOperations = {
  overview: {
    method: "get",
    path: "/tasks/overview",
    scope: "read",
    summary: "The whole at one glance: counts, what ended lately, and what comes in the next four hours.",
    query: s.OverviewQuerySchema,
    answer: { status: 200, schema: s.OverviewSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
  listTypes: {
    method: "get",
    path: "/types",
    scope: "read",
    summary: "The types of task, by name: who runs each, and what became of the last tasks of it.",
    query: s.TypesQuerySchema,
    answer: { status: 200, schema: s.TypesSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
  getType: {
    method: "get",
    path: "/types/:type",
    scope: "read",
    summary: "A type of task, and what its data must look like. One that is not known has no tasks.",
    answer: { status: 200, schema: s.TypeWithSchemaSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
} as const;
