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

/** What whoever serves the API may tell it of a request, beside the request itself. */
export interface RequestEnv {
  /** Identifies the request in the log. */
  requestId?: string;
  /** The header `Host`, where the address of the request has another one. */
  host?: string | undefined;
  /** The network address of the caller. */
  address?: string | undefined;
}

/** What identifies a request in the log. */
export function requestOf(c: Context): Record<string, unknown> {
  const { requestId } = (c.env ?? {}) as RequestEnv;
  return { method: c.req.method, path: c.req.path, requestId };
}
