import { Hono } from "hono";
import type { Identity } from "#core";
import type { Access } from "../../core/access/access.ts";
import { keyNotFound } from "../../core/access/access.ts";
import type { Caller } from "../../core/api-key.ts";
import { quote } from "../../core/errors.ts";
import { endSession, keepSession } from "../browser.ts";
import { cursorOf } from "../cursors.ts";
import { actorOf, callerOf, refuseCrossSite, sessionEndOf } from "../guard.ts";
import { idOf, json, query, uncheckedJson } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { AuditQuerySchema, NewApiKeySchema, SignInSchema } from "../schemas/access-schemas.ts";

/** Keys, the sessions that begin with them, and the audit log. */
export function accessRoutes(access: Access) {
  return new Hono()
    .post(op.createKey.path, uncheckedJson(NewApiKeySchema), async (c) =>
      c.json(await access.createKey(c.req.valid("json"), actorOf(c)), op.createKey.answer.status),
    )
    .get(op.listKeys.path, async (c) => c.json({ keys: await access.keys() }))
    .delete(op.deleteKey.path, async (c) => {
      const given = c.req.param("id");
      const id = idOf(given);
      if (id === undefined) throw keyNotFound(quote(given));
      await access.deleteKey(id, actorOf(c));
      return c.body(null, op.deleteKey.answer.status);
    })
    .post(op.signIn.path, json(SignInSchema), async (c) => {
      if (c.req.header("origin") ?? c.req.header("sec-fetch-site")) refuseCrossSite(c);
      const { session, caller } = await access.signIn(c.req.valid("json").key);
      keepSession(c, session);
      return c.json(told(caller, session.expiresAtMs), op.signIn.answer.status);
    })
    .get(op.session.path, (c) => {
      const caller = callerOf(c);
      return c.json(told(caller, sessionEndOf(c) ?? caller.expiresAtMs));
    })
    .delete(op.signOut.path, (c) => {
      if (c.req.header("origin") ?? c.req.header("sec-fetch-site")) refuseCrossSite(c);
      endSession(c);
      return c.body(null, op.signOut.answer.status);
    })
    .get(op.audit.path, query(AuditQuerySchema), async (c) => {
      const { limit, cursor: beforeId } = c.req.valid("query");
      const entries = await access.audit({ limit: limit + 1, beforeId });
      const page = entries.slice(0, limit);
      const last = page.at(-1);
      return c.json({
        entries: page,
        next_cursor: entries.length > limit && last ? cursorOf(last.id) : null,
      });
    });
}

function told({ keyName, scopes }: Caller, expiresAtMs: number | undefined): Identity {
  return {
    name: keyName,
    scopes: [...scopes],
    expires_at: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
  };
}
