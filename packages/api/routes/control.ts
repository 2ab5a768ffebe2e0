import { Hono } from "hono";
import type { Operator } from "#core";
import { answerable } from "../answer.ts";
import { cursorAfter } from "../cursors.ts";
import { json, query } from "../input.ts";
import { operations as op } from "../operations.ts";
import { NotStartedQuerySchema, RunningSchema } from "../schemas.ts";

/** The methods of Baasix's TasksService over HTTP. */
export function controlRoutes(operator: Operator) {
  return new Hono()
    .get(op.notStarted.path, query(NotStartedQuerySchema), async (c) => {
      const { limit, cursor: after } = c.req.valid("query");
      const { tasks, next } = await operator.pageNotStarted({ limit, after });
      if (next)
        c.header("Link", `<${op.notStarted.path}?limit=${limit}&cursor=${cursorAfter(next)}>; rel="next"`);
      return c.json(tasks);
    })
    .get(op.isRunning.path, async (c) => c.json({ isRunning: await operator.isTaskRunning() }))
    .put(op.setRunning.path, json(RunningSchema), async (c) => {
      await operator.setTaskRunning(c.req.valid("json").isRunning);
      return c.json({ isRunning: await operator.isTaskRunning() });
    })
    .post(op.refresh.path, async (c) => {
      await operator.forceRefresh();
      return c.json(await operator.getCacheStats());
    })
    .post(op.resetStuck.path, async (c) => {
      const reset = await operator.resetStuck();
      return c.json({ reset: answerable(reset), isRunning: await operator.isTaskRunning() });
    })
    .get(op.stats.path, async (c) => c.json(await operator.getCacheStats()));
}
