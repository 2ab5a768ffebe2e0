import { Hono } from "hono";
import type { TasksService } from "#core";
import { json } from "../input.ts";
import { operations as op } from "../operations.ts";
import { RunningSchema } from "../schemas.ts";

/** The mission's methods over HTTP. */
export function controlRoutes(tasks: TasksService) {
  return new Hono()
    .get(op.notStarted.path, async (c) => c.json(await tasks.getNotStartedTasks()))
    .get(op.isRunning.path, async (c) => c.json({ isRunning: await tasks.isTaskRunning() }))
    .put(op.setRunning.path, json(RunningSchema), async (c) => {
      await tasks.setTaskRunning(c.req.valid("json").isRunning);
      return c.json({ isRunning: await tasks.isTaskRunning() });
    })
    .post(op.refresh.path, async (c) => {
      await tasks.forceRefresh();
      return c.json(await tasks.getCacheStats());
    })
    .post(op.resetStuck.path, async (c) => {
      const reset = await tasks.resetStuck();
      return c.json({ reset, isRunning: await tasks.isTaskRunning() });
    })
    .get(op.stats.path, async (c) => c.json(await tasks.getCacheStats()));
}
