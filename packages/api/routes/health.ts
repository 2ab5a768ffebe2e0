import { Hono } from "hono";
import type { Operator } from "#core";
import { operations as op } from "../operations.ts";

/** For monitors: needs no key, and answers 500 when something needs attention. */
export function healthRoutes(operator: Operator) {
  return new Hono().get(op.health.path, async (c) => {
    const stats = await operator.getCacheStats();
    const healthy = stats.initialized && !stats.error;
    return c.json({ healthy, stats }, healthy ? 200 : 500);
  });
}
