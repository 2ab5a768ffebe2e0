import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { TickworkError } from "#core";

/** Rejects requests without the API key. Hashes are compared in constant time, so that the time it takes reveals nothing. */
export function requireKey(apiKey: string): MiddlewareHandler {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(apiKey);
  return async (c, next) => {
    const header = c.req.header("authorization");
    if (header === undefined)
      throw new TickworkError(
        "key_missing",
        "The request has no key; send the header Authorization: Bearer <API key>.",
      );
    const given = /^Bearer +(\S+) *$/i.exec(header)?.[1];
    if (given === undefined || !timingSafeEqual(digest(given), expected))
      throw new TickworkError(
        "key_wrong",
        "The key is wrong; send the header Authorization: Bearer <API key>.",
      );
    await next();
  };
}
