import { Hono } from "hono";
import type { LimitTarget, LimitTerms, Operator } from "#core";
import type { Access } from "../../core/access/access.ts";
import { actorOf } from "../guard.ts";
import { json, query } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { LimitQuerySchema, LimitRequestSchema } from "../schemas/limit-schemas.ts";
import { subjectOf } from "../subject.ts";

/** How many tasks may run or start. */
export function limitRoutes(operator: Operator, access: Pick<Access, "note">) {
  return new Hono()
    .put(op.putLimit.path, json(LimitRequestSchema), async (c) => {
      const { concurrency, rate, weight, ...target } = c.req.valid("json") as LimitTarget & LimitTerms;
      const actor = actorOf(c);
      const limit = await operator.putLimit(target, { concurrency, rate, weight });
      await access.note("limit_set", subjectOf(target), actor);
      return c.json(limit);
    })
    .get(op.listLimits.path, async (c) => c.json(await operator.listLimits()))
    .delete(op.removeLimit.path, query(LimitQuerySchema), async (c) => {
      const actor = actorOf(c);
      const target = c.req.valid("query") as LimitTarget;
      const removed = await operator.removeLimit(target);
      if (removed) await access.note("limit_removed", subjectOf(target), actor);
      return c.json({ removed });
    });
}
