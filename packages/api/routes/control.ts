import { Hono } from "hono";
import type { Operator } from "#core";
import type { Access } from "../../core/access/access.ts";
import { answerable } from "../answer.ts";
import { cursorAfter } from "../cursors.ts";
import { actorOf } from "../guard.ts";
import { json, query } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { toldTo } from "../redaction.ts";
import { NotStartedQuerySchema } from "../schemas/query-schemas.ts";
import { RunningSchema } from "../schemas/schemas.ts";

/** The methods of Baasix's TasksService over HTTP. */
export function controlRoutes(operator: Operator, access: Pick<Access, "note">) {
  return new Hono()
    .get(op.notStarted.path, query(NotStartedQuerySchema), async (c) => {
      const { limit, cursor: after } = c.req.valid("query");
      const { tasks, next } = await operator.pageNotStarted({ limit, after });
      if (next)
        c.header("Link", `<${op.notStarted.path}?limit=${limit}&cursor=${cursorAfter(next)}>; rel="next"`);
      return c.json(tasks.map((task) => toldTo(c, task)));
    })
    .get(op.isRunning.path, async (c) => c.json({ isRunning: await operator.isTaskRunning() }))
    .put(op.setRunning.path, json(RunningSchema), async (c) => {
      const actor = actorOf(c);
      const { isRunning } = c.req.valid("json");
      await operator.setTaskRunning(isRunning);
      await access.note(isRunning ? "running_set" : "running_released", undefined, actor);
      return c.json({ isRunning: await operator.isTaskRunning() });
    })
    .post(op.refresh.path, async (c) => {
      const actor = actorOf(c);
      await operator.forceRefresh();
      await access.note("refreshed", undefined, actor);
      return c.json(await operator.getCacheStats());
    })
    .post(op.resetStuck.path, async (c) => {
      const actor = actorOf(c);
      const reset = await operator.resetStuck();
      await access.note("stuck_reset", reset.map(({ id }) => id).join(" ") || undefined, actor);
      return c.json({
        reset: answerable(reset.map((task) => toldTo(c, task))),
        isRunning: await operator.isTaskRunning(),
      });
    })
    .get(op.stats.path, async (c) => c.json(await operator.getCacheStats()));
}
