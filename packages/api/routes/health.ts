import { Hono } from "hono";
import type { Operator } from "#core";
import { operations as op } from "../operations/operations.ts";

/** For monitors: needs no key, and answers 500 when something needs attention. */
export function healthRoutes(operator: Operator) {
  return new Hono().get(op.health.path, async (c) => {
    const { stats, ...health } = await operator.getHealth();
    // The route needs no key, so it names nobody: not who paused it, nor whose tasks are paused, nor why.
    const paused = stats.paused
      ?.filter((pause) => !("concurrency_key" in pause))
      .map(({ created_by: _, ...pause }) => ({ ...pause, reason: null }));
    return c.json({ ...health, stats: { ...stats, ...(paused && { paused }) } }, health.healthy ? 200 : 500);
  });
}
