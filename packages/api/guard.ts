/** Who may call what: every request passes here before anything of it is read. */
import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { type Actor, TickworkError } from "#core";
import type { Access } from "../core/access/access.ts";
import type { RateLimits } from "../core/access/rate-limit.ts";
import type { Caller } from "../core/api-key.ts";
import { invalidRequest, quote } from "../core/errors.ts";
import { cookieNameOf, hostOf } from "./browser.ts";
import { header } from "./input.ts";
import type { RequestEnv } from "./log.ts";
import { type Operation, operations } from "./operations/operations.ts";

/** The operations with the patterns of their paths, those without parameters first: /tasks/running is no task. */
const PATTERNS = Object.values<Operation>(operations)
  .map((operation) => ({
    operation,
    parameters: operation.path.split(":").length,
    pattern: new RegExp(`^${operation.path.replaceAll(/:\w+/g, "[^/]+").replaceAll(".", "\\.")}$`),
  }))
  .sort((one, other) => one.parameters - other.parameters);

/** What a request asks for; undefined: nothing that there is. */
function operationOf({ req: { method, path } }: Context): Operation | undefined {
  // As Hono answers it.
  const asked = method === "HEAD" ? "get" : method.toLowerCase();
  return PATTERNS.find(({ operation, pattern }) => operation.method === asked && pattern.test(path))
    ?.operation;
}

/**
 * Admits what a key, or the session that began with it, may do. Without one, only what is open is there at all.
 *
 * @param limits absent: there are none
 * @throws TickworkError `key_missing`, `key_wrong`, `key_expired`, `session_ended`, `scope_missing`, `cross_site` or
 * `rate_limited`
 */
export function guard(access: Access, limits: RateLimits | undefined): MiddlewareHandler {
  return async (c, next) => {
    const operation = operationOf(c);
    if (operation?.unlimited) return next();
    const caller = operation?.open ? undefined : identified(c, access);
    if (limits) {
      // A wrong key counts against its address before the answer says that it is wrong.
      const known = await caller?.catch(() => undefined);
      const waitMs = await limits.admit(known, ((c.env ?? {}) as RequestEnv).address);
      if (waitMs > 0) throw rateLimited(c, waitMs);
    }
    if (!caller) {
      if (operation) refuseUnknown(c, operation);
      return next();
    }
    const found = await caller;
    if (operation?.scope && !found.scopes.includes(operation.scope)) throw scopeMissing(operation, found);
    if (operation) refuseUnknown(c, operation);
    c.set("caller", found);
    await Promise.all([next(), access.noteUse(found)]);
    return undefined;
  };
}

function rateLimited(c: Context, waitMs: number): TickworkError {
  const seconds = Math.ceil(waitMs / 1000);
  c.header("Retry-After", String(seconds));
  return new TickworkError("rate_limited", `Too many requests; try again in ${seconds} s.`);
}

async function identified(c: Context, access: Access): Promise<Caller> {
  const sent = c.req.header("authorization");
  if (sent !== undefined) {
    const given = /^Bearer +(\S+) *$/i.exec(sent)?.[1];
    return access.callerOf(given ?? "");
  }
  const token = getCookie(c, cookieNameOf(c));
  if (token === undefined)
    throw new TickworkError(
      "key_missing",
      "The request has no key; send the header Authorization: Bearer <API key>.",
    );
  const { caller, expiresAtMs } = await access.callerIn(token);
  c.set("sessionEndsAtMs", expiresAtMs);
  // A browser sends its cookies whoever made it ask.
  if (c.req.method !== "GET" && c.req.method !== "HEAD") refuseCrossSite(c);
  return caller;
}

/** Of an operation that takes no parameters; those of the others have their schemas. */
function refuseUnknown(c: Context, { query, anyQuery }: Operation): void {
  if (query || anyQuery) return;
  const names = Object.keys(c.req.query());
  if (names.length > 0)
    throw invalidRequest(
      names.map((path) => ({ path, message: "is not known here; no parameters can be given" })),
    );
}

function scopeMissing({ scope, method, path }: Operation, { keyName, scopes }: Caller): TickworkError {
  return new TickworkError(
    "scope_missing",
    `${method.toUpperCase()} ${path} needs the scope ${quote(scope)}; the key ${quote(keyName)} has ${scopes.map(quote).join(", ")}.`,
  );
}

/**
 * Refuses what another site has a browser send. Every browser says where a request comes from, unless it reads only.
 *
 * @throws TickworkError `cross_site`
 */
export function refuseCrossSite(c: Context): void {
  const site = c.req.header("sec-fetch-site");
  const origin = c.req.header("origin");
  if (site === undefined ? isOwn(c, origin) : site === "same-origin") return;
  throw new TickworkError(
    "cross_site",
    `With a session, changes must come from pages of this server, got ${quote(origin ?? site ?? "no Origin")}; programs send a key.`,
  );
}

/** Whether it is an origin of this server; behind a proxy, only the host can tell. */
function isOwn(c: Context, origin: string | undefined): boolean {
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === hostOf(c);
}

/** The caller, once the guard has let it in. */
export const callerOf = (c: Context): Caller => c.get("caller") as Caller;
/** When the session ends that the request belongs to; undefined: it came with a key. */
export const sessionEndOf = (c: Context): number | undefined =>
  c.get("sessionEndsAtMs") as number | undefined;

/** The user kept with what is created or changed: the one that the caller names, else the name of its key. */
export function by(c: Context): { userId: string | undefined } {
  return { userId: header(c, "Tickwork-User") ?? callerOf(c).userId };
}

/** The caller, as the audit log notes it. */
export function actorOf(c: Context): Actor {
  const { keyId, keyName } = callerOf(c);
  return { keyId, keyName, userId: header(c, "Tickwork-User") };
}
