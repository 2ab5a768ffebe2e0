import { Hono } from "hono";
import type { Operator } from "#core";
import { operations as op } from "../operations.ts";

/** For monitors: needs no key, and answers 500 when something needs attention. */
export function healthRoutes(operator: Operator) {
  return new Hono().get(op.health.path, async (c) => {
    const health = await operator.getHealth();
    return c.json(health, health.healthy ? 200 : 500);
  });
}
