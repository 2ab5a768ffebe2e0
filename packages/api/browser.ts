/** What browsers are told, and what they tell. */
import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { Session } from "../core/access/sessions.ts";
import type { RequestEnv } from "./log.ts";

/**
 * On every answer. The API's own are data: nothing in them is to be run, shown in a frame, or taken for something else.
 * Whoever answers with a page gives it a policy of its own.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

const HSTS_SECONDS = 365 * 86_400;

export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(SECURITY_HEADERS))
    if (!c.res.headers.has(name)) c.header(name, value);
  if (cameOverTls(c)) c.header("Strict-Transport-Security", `max-age=${HSTS_SECONDS}`);
};

/** What the browser, or whoever else, has asked: the host that it knows this server by. */
export function hostOf(c: Context): string {
  return ((c.env ?? {}) as RequestEnv).host ?? new URL(c.req.url).host;
}

/** A proxy that takes care of TLS says so. */
function cameOverTls(c: Context): boolean {
  return (c.req.header("x-forwarded-proto") ?? new URL(c.req.url).protocol.slice(0, -1)) === "https";
}

/** A browser may have no TLS on the way to its own machine; then it keeps no cookie that is for TLS alone. */
const isPlainLocal = (c: Context): boolean =>
  !cameOverTls(c) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(hostOf(c));

/** `__Host-` has browsers refuse such a cookie from other hosts of the domain. */
export const cookieNameOf = (c: Context): string => (isPlainLocal(c) ? "tickwork" : "__Host-tickwork");

const cookieOptions = (c: Context) =>
  ({ path: "/", httpOnly: true, sameSite: "Strict", secure: !isPlainLocal(c) }) as const;

export function keepSession(c: Context, { token, expiresAtMs }: Session): void {
  setCookie(c, cookieNameOf(c), token, { ...cookieOptions(c), expires: new Date(expiresAtMs) });
}

export function endSession(c: Context): void {
  deleteCookie(c, cookieNameOf(c), cookieOptions(c));
}

/** What pages of other origins may send, and see of an answer beside its body. */
const ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE";
const ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Tickwork-User";
const EXPOSED_HEADERS = "Link, Retry-After";
const PREFLIGHT_SECONDS = 600;

/**
 * Lets pages of these origins read answers (CORS). They send a key: no cookie is taken from another origin.
 *
 * @param origins `https://app.example.com`
 */
export function cors(origins: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header("origin");
    const isListed = origin !== undefined && origins.includes(origin);
    const isPreflight = c.req.method === "OPTIONS" && c.req.header("access-control-request-method");
    if (isListed && isPreflight)
      c.res = new Response(null, {
        status: 204,
        headers: {
          "Access-Control-Allow-Methods": ALLOWED_METHODS,
          "Access-Control-Allow-Headers": ALLOWED_HEADERS,
          "Access-Control-Max-Age": String(PREFLIGHT_SECONDS),
        },
      });
    else await next();
    c.header("Vary", "Origin", { append: true });
    if (!isListed) return;
    c.header("Access-Control-Allow-Origin", origin);
    c.header("Access-Control-Expose-Headers", EXPOSED_HEADERS);
  };
}
