/** Reading requests: what is not readable is 400, what is readable and not acceptable is 422. */
import type { MiddlewareHandler } from "hono";
import * as v from "valibot";
import { errors, quote } from "#core";

type Typed<Target extends "json" | "query" | "param", Schema extends v.GenericSchema> = MiddlewareHandler<
  // biome-ignore lint/suspicious/noExplicitAny: any environment, as Hono's own validators say it
  any,
  string,
  { in: { [T in Target]: v.InferInput<Schema> }; out: { [T in Target]: v.InferOutput<Schema> } }
>;

/** The body as JSON, whatever its content type says: `curl -d` says that it is a form. */
async function readJson(request: { text(): Promise<string> }): Promise<unknown> {
  const text = await request.text();
  if (text.trim() === "") throw errors.malformed("malformed_json", "The body is empty; JSON is expected.");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw errors.malformed("malformed_json", `The body is not JSON: ${(error as Error).message}`);
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

/** A body whose values the service itself checks, by the same schemas: here it only gets its type. */
export function uncheckedJson<Schema extends v.GenericSchema>(_schema: Schema): Typed<"json", Schema> {
  return async (c, next) => {
    c.req.addValidatedData("json", (await readJson(c.req)) as object);
    await next();
  };
}

/** Parameters behind the question mark. */
export function query<Schema extends v.GenericSchema>(schema: Schema): Typed<"query", Schema> {
  return async (c, next) => {
    c.req.addValidatedData("query", check(schema, c.req.query()) as object);
    await next();
  };
}

function check<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw errors.invalid(
    result.issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message })),
  );
}

/** Ids are opaque to callers: one that cannot be an id belongs to no task. */
export function taskId(text: string): number {
  const id = Number(text);
  if (!/^[1-9]\d{0,15}$/.test(text) || !Number.isSafeInteger(id)) throw errors.taskNotFound(quote(text));
  return id;
}
