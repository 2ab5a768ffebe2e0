/** Reading requests: what cannot be read is 400; what can be read but is not acceptable is 422. */
import type { MiddlewareHandler } from "hono";
import * as v from "valibot";
import { TickworkError } from "#core";
import { invalidRequest, quote, taskNotFound } from "../core/errors.ts";

type Typed<Target extends "json" | "query" | "param", Schema extends v.GenericSchema> = MiddlewareHandler<
  // biome-ignore lint/suspicious/noExplicitAny: any environment, as in Hono's own validators
  any,
  string,
  { in: { [T in Target]: v.InferInput<Schema> }; out: { [T in Target]: v.InferOutput<Schema> } }
>;

/** The body as JSON, whatever its content type: `curl -d` calls it a form. */
async function readJson(request: { text(): Promise<string> }): Promise<unknown> {
  const text = await request.text();
  if (text.trim() === "") throw new TickworkError("malformed_json", "The body must be JSON, got nothing.");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TickworkError("malformed_json", `The body must be JSON: ${(error as Error).message}`);
  }
}

/** A body of this schema. */
export function json<Schema extends v.GenericSchema>(schema: Schema): Typed<"json", Schema> {
  return async (c, next) => {
    const body = check(schema, await readJson(c.req));
    c.req.addValidatedData("json", body as object);
    await next();
  };
}

/** A body that core checks, by the same schemas; here it only gets its type. */
export function uncheckedJson<Schema extends v.GenericSchema>(_schema: Schema): Typed<"json", Schema> {
  return async (c, next) => {
    c.req.addValidatedData("json", (await readJson(c.req)) as object);
    await next();
  };
}

/** The parameters after the question mark. */
export function query<Schema extends v.GenericSchema>(schema: Schema): Typed<"query", Schema> {
  return async (c, next) => {
    c.req.addValidatedData("query", check(schema, c.req.query()) as object);
    await next();
  };
}

function check<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw invalidRequest(
    result.issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message })),
  );
}

/** Ids are opaque to callers, so what cannot be an id is one that no task has. */
export function taskId(text: string): number {
  const id = Number(text);
  if (!/^[1-9]\d{0,15}$/.test(text) || !Number.isSafeInteger(id)) throw taskNotFound(quote(text));
  return id;
}
