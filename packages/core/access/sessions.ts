/**
 * Sessions: what a browser has in place of a key. A token says whose key it began with and when it ends, under a MAC,
 * so that nothing has to be kept for it. It ends with its key, since that is looked up for each call.
 */
import { createHmac, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Caller } from "../api-key.ts";
import type { Clock } from "../clock.ts";
import { TickworkError } from "../errors.ts";
import { SESSION_MS } from "../limits.ts";

/** A session, and the token that its browser keeps. */
export interface Session {
  token: string;
  expiresAtMs: number;
}

/** Whose key, until when, and the MAC of both: 32 bytes. Key 0 is that of the environment. */
const FORM = /^((0|[1-9]\d{0,15})\.(\d{1,16}))\.([\w-]{43})$/;

/**
 * @param apiKey the key of the environment: all processes have it, and when it is changed every session ends. It may be one
 * that somebody thought up, and whoever has a session could try such keys on its MAC: `scrypt` makes each try dear.
 */
export function createSessions(apiKey: string, clock: Pick<Clock, "now">) {
  let secret: Promise<unknown> | undefined;
  const macOf = async (body: string): Promise<Buffer> => {
    secret ??= promisify(scrypt)(apiKey, "tickwork session v1", 32);
    return createHmac("sha256", (await secret) as Buffer)
      .update(body)
      .digest();
  };
  return {
    async begin({ keyId, expiresAtMs }: Caller): Promise<Session> {
      const endMs = Math.min(clock.now() + SESSION_MS, expiresAtMs ?? Number.POSITIVE_INFINITY);
      const body = `${keyId ?? 0}.${endMs}`;
      return { token: `${body}.${(await macOf(body)).toString("base64url")}`, expiresAtMs: endMs };
    },

    /** @throws TickworkError `session_ended` */
    async read(token: string): Promise<{ keyId: number | undefined; expiresAtMs: number }> {
      const [, body, keyId, endMs, mac] = FORM.exec(token) ?? [];
      const isOurs =
        body !== undefined &&
        mac !== undefined &&
        timingSafeEqual(await macOf(body), Buffer.from(mac, "base64url"));
      if (!isOurs || Number(endMs) <= clock.now())
        throw new TickworkError("session_ended", "The session has ended; sign in again.");
      return { keyId: Number(keyId) || undefined, expiresAtMs: Number(endMs) };
    },
  };
}
