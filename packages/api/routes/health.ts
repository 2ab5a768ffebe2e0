import { Hono } from "hono";
import type { TasksService } from "#core";
import { operations as op } from "../operations.ts";

/** For monitors: open, and 500 when they should call somebody. */
export function healthRoutes(tasks: TasksService) {
  return new Hono().get(op.health.path, async (c) => {
    const stats = await tasks.getCacheStats();
    const healthy = stats.initialized && !stats.error;
    return c.json({ healthy, stats }, healthy ? 200 : 500);
  });
}
