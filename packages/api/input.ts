/** Reading requests: what cannot be read is 400; what can be read but is not acceptable is 422. */
import { isUtf8 } from "node:buffer";
import type { Context, MiddlewareHandler } from "hono";
import type * as v from "valibot";
import type { TickworkError } from "#core";
import { invalidRequest, mustBe, quote, refusal, taskNotFound } from "../core/errors.ts";
import { NAME_LIMIT } from "../core/limits.ts";
import { checked } from "../core/tasks/accepts.ts";
import { readJson } from "./read-json.ts";

type Typed<Target extends "json" | "query" | "param", Schema extends v.GenericSchema> = MiddlewareHandler<
  // biome-ignore lint/suspicious/noExplicitAny: any environment, as in Hono's own validators
  any,
  string,
  { in: { [T in Target]: v.InferInput<Schema> }; out: { [T in Target]: v.InferOutput<Schema> } }
>;

/** A body of this schema, whatever its content type: `curl -d` calls it a form. */
export function json<Schema extends v.GenericSchema>(schema: Schema): Typed<"json", Schema> {
  return async (c, next) => {
    const body = checked(schema, await readJson(c.req.raw));
    c.req.addValidatedData("json", body as object);
    await next();
  };
}

/** A body that core checks, by the same schemas; here it only gets its type. */
export function uncheckedJson<Schema extends v.GenericSchema>(_schema: Schema): Typed<"json", Schema> {
  return async (c, next) => {
    c.req.addValidatedData("json", (await readJson(c.req.raw)) as object);
    await next();
  };
}

/** The parameters after the question mark. Of one that is there twice the first would count, and the second be lost. */
export function query<Schema extends v.GenericSchema>(schema: Schema): Typed<"query", Schema> {
  return async (c, next) => {
    for (const [name, values] of Object.entries(c.req.queries()))
      if (values.length > 1) throw refusal(name, mustBe("given once", values.join(" and ")));
    c.req.addValidatedData("query", checked(schema, c.req.query()) as object);
    await next();
  };
}

/** A header that may be absent, but not empty: whoever sends it means something by it. It is text in UTF-8. */
export function header(c: Context, name: string): string | undefined {
  const sent = c.req.header(name);
  if (sent === undefined) return undefined;
  // HTTP's headers are bytes, and come as characters of Latin-1.
  const bytes = Buffer.from(sent, "latin1");
  if (!isUtf8(bytes)) throw wrongHeader(name, "must be text in UTF-8");
  const value = bytes.toString("utf8");
  if (value.length === 0 || value.length > NAME_LIMIT)
    throw wrongHeader(name, `must have 1 to ${NAME_LIMIT} characters, got ${value.length}`);
  return value;
}

function wrongHeader(path: string, message: string): TickworkError {
  return invalidRequest([{ path, message }], "malformed_request");
}

/** Ids are opaque to callers, so what cannot be an id is one that no task has. */
export function taskId(text: string): number {
  const id = idOf(text);
  if (id === undefined) throw taskNotFound(quote(text));
  return id;
}

/** An id as a number, or written as a string: so Postgres's bigint comes out of some programs. */
export function idOf(given: unknown): number | undefined {
  if (typeof given === "number") return Number.isSafeInteger(given) && given > 0 ? given : undefined;
  if (typeof given !== "string" || !/^[1-9]\d{0,15}$/.test(given)) return undefined;
  return Number.isSafeInteger(Number(given)) ? Number(given) : undefined;
}
