import { Hono } from "hono";
import type { LimitTarget, LimitTerms, Operator } from "#core";
import { json, query } from "../input.ts";
import { LimitQuerySchema, LimitRequestSchema } from "../limit-schemas.ts";
import { operations as op } from "../operations.ts";

/** How many tasks may run or start. */
export function limitRoutes(operator: Operator) {
  return new Hono()
    .put(op.putLimit.path, json(LimitRequestSchema), async (c) => {
      const { concurrency, rate, weight, ...target } = c.req.valid("json") as LimitTarget & LimitTerms;
      return c.json(await operator.putLimit(target, { concurrency, rate, weight }));
    })
    .get(op.listLimits.path, async (c) => c.json(await operator.listLimits()))
    .delete(op.removeLimit.path, query(LimitQuerySchema), async (c) =>
      c.json({ removed: await operator.removeLimit(c.req.valid("query") as LimitTarget) }),
    );
}
