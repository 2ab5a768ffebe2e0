import { Hono } from "hono";
import type { Insight } from "#core";
import { query } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { OverviewQuerySchema, TypesQuerySchema } from "../schemas/insight-schemas.ts";

/** What is there, for whoever looks at the whole. */
export function insightRoutes(insight: Insight) {
  return new Hono()
    .get(op.overview.path, query(OverviewQuerySchema), async (c) =>
      c.json(await insight.getOverview(c.req.valid("query"))),
    )
    .get(op.listTypes.path, query(TypesQuerySchema), async (c) => {
      const { limit, after } = c.req.valid("query");
      const types = await insight.getTypes({ after, limit });
      return c.json({ types, next: types.length === limit ? (types.at(-1)?.type ?? null) : null });
    })
    .get(op.getType.path, async (c) => {
      const { schema, ...info } = await insight.getType(c.req.param("type"));
      // What renders it is loaded on first use.
      const { jsonSchemaOf } = await import("../openapi/json-schema.ts");
      return c.json({ ...info, schema: jsonSchemaOf(schema) });
    });
}
