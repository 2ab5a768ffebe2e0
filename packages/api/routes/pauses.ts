import { Hono } from "hono";
import type { Operator, PauseTarget } from "#core";
import { json, query } from "../input.ts";
import { operations as op } from "../operations.ts";
import { PauseRequestSchema, ResumeQuerySchema } from "../pause-schemas.ts";

/** Stops the start of tasks, and lets it go on. */
export function pauseRoutes(operator: Operator) {
  return new Hono()
    .put(op.pause.path, json(PauseRequestSchema), async (c) => {
      const { reason, ...target } = c.req.valid("json") as PauseTarget & { reason?: string | null };
      return c.json(await operator.pause(target, { reason }));
    })
    .get(op.listPauses.path, async (c) => c.json(await operator.listPauses()))
    .delete(op.resume.path, query(ResumeQuerySchema), async (c) =>
      c.json({ resumed: await operator.resume(c.req.valid("query") as PauseTarget) }),
    );
}
