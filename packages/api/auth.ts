import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { errors } from "#core";

/** Lets pass who knows the key. Hashes of equal length are compared in constant time, so nothing can be learnt from how long it takes. */
export function requireKey(apiKey: string): MiddlewareHandler {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(apiKey);
  return async (c, next) => {
    const header = c.req.header("authorization");
    if (header === undefined)
      throw errors.unauthorized(
        "key_missing",
        "The request has no key; send the header Authorization: Bearer <API key>.",
      );
    const given = /^Bearer +(\S+) *$/i.exec(header)?.[1];
    if (given === undefined || !timingSafeEqual(digest(given), expected))
      throw errors.unauthorized(
        "key_wrong",
        "The key is wrong; send the header Authorization: Bearer <API key>.",
      );
    await next();
  };
}
