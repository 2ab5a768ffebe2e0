import type { Context, MiddlewareHandler } from "hono";
import type { Logger } from "#core";

/** Logs a line for each request, for debugging. */
export function logRequests(log: Logger): MiddlewareHandler {
  return async (c, next) => {
    const began = performance.now();
    await next();
    const durationMs = Math.round(performance.now() - began);
    log.debug("request", { ...requestOf(c), status: c.res.status, durationMs });
  };
}

/** What identifies a request in the log, with Lambda's id where there is one. */
export function requestOf(c: Context): Record<string, unknown> {
  const { lambdaContext } = (c.env ?? {}) as { lambdaContext?: { awsRequestId?: string } };
  return { method: c.req.method, path: c.req.path, requestId: lambdaContext?.awsRequestId };
}
