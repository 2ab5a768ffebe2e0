import { Hono } from "hono";
import type { Operator, PauseTarget } from "#core";
import type { Access } from "../../core/access/access.ts";
import { actorOf } from "../guard.ts";
import { json, query } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { PauseRequestSchema, ResumeQuerySchema } from "../schemas/pause-schemas.ts";
import { subjectOf } from "../subject.ts";

/** Stops the start of tasks, and lets it go on. */
export function pauseRoutes(operator: Operator, access: Pick<Access, "note">) {
  return new Hono()
    .put(op.pause.path, json(PauseRequestSchema), async (c) => {
      const actor = actorOf(c);
      const { reason, ...target } = c.req.valid("json") as PauseTarget & { reason?: string | null };
      const paused = await operator.pause(target, { reason, userId: actor.userId ?? actor.keyName });
      await access.note("paused", subjectOf(target), actor);
      return c.json(paused);
    })
    .get(op.listPauses.path, async (c) => c.json(await operator.listPauses()))
    .delete(op.resume.path, query(ResumeQuerySchema), async (c) => {
      const actor = actorOf(c);
      const target = c.req.valid("query") as PauseTarget;
      const resumed = await operator.resume(target);
      if (resumed) await access.note("resumed", subjectOf(target), actor);
      return c.json({ resumed });
    });
}
