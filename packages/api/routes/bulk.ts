import { Hono } from "hono";
import type { Operator } from "#core";
import type { Access } from "../../core/access/access.ts";
import { BulkRequestSchema } from "../../core/tasks/filter-schema.ts";
import { actorOf, by } from "../guard.ts";
import { header, json } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { toldTo } from "../redaction.ts";

/** Does something to many tasks. */
export function bulkRoutes(operator: Operator, access: Pick<Access, "note">) {
  return new Hono().post(op.bulk.path, json(BulkRequestSchema), async (c) => {
    const { dry_run = false, ...request } = c.req.valid("json");
    const { answer, otherwise } = op.bulk;
    if (dry_run) return c.json(await operator.countBulk(request), otherwise.status);
    const actor = actorOf(c);
    const task = await operator.bulk(request, { idempotencyKey: header(c, "Idempotency-Key"), ...by(c) });
    await access.note("bulk_asked", `${task.id} ${request.action} ${JSON.stringify(request.filter)}`, actor);
    return c.json(toldTo(c, task), answer.status);
  });
}
