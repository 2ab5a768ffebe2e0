import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { type Operation, operations } from "./operations.ts";
import { ErrorSchema, TaskSchema } from "./schemas.ts";

/** Schemas that are referred to by name. */
const NAMED = { Task: TaskSchema, Error: ErrorSchema };

/** Renders the operations and their schemas. */
export function renderOpenApi(): Record<string, unknown> {
  const render = (schema: v.GenericSchema, typeMode: "input" | "output") => {
    const {
      $schema: _,
      $defs: __,
      ...rendered
    } = toJsonSchema(schema, {
      // JSON Schema cannot express our own checks; their messages say what is accepted.
      errorMode: "ignore",
      typeMode,
      definitions: NAMED,
    });
    return JSON.parse(JSON.stringify(rendered).replaceAll("#/$defs/", "#/components/schemas/")) as Record<
      string,
      unknown
    >;
  };
  const body = (schema: v.GenericSchema, mode: "input" | "output") => ({
    content: { "application/json": { schema: render(schema, mode) } },
  });
  const failure = (description: string) => ({ description, ...body(ErrorSchema, "output") });

  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, operation] of Object.entries(operations) as [string, Operation][]) {
    const { method, path, summary, json, query, headers = {}, answer, errors, open } = operation;
    const parameters = [
      ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
        name,
        in: "path",
        required: true,
        schema: { type: "string" },
      })),
      ...Object.entries(headers).map(([name, description]) => ({
        name,
        in: "header",
        description,
        schema: { type: "string" },
      })),
      ...Object.entries(query ? ((render(query, "input").properties ?? {}) as object) : {}).map(
        ([name, schema]) => ({ name, in: "query", schema }),
      ),
    ];
    const statuses = [...errors, ...(open ? [] : [401]), 503].sort((a, b) => a - b);
    const address = path.replaceAll(/:(\w+)/g, "{$1}");
    paths[address] = {
      ...paths[address],
      [method]: {
        operationId,
        summary,
        ...(open ? { security: [] } : {}),
        ...(parameters.length > 0 ? { parameters } : {}),
        ...(json ? { requestBody: { required: true, ...body(json, "input") } } : {}),
        responses: {
          [answer.status]: { description: "Done.", ...(answer.schema ? body(answer.schema, "output") : {}) },
          ...Object.fromEntries(statuses.map((status) => [status, failure(MEANING[status] ?? "Rejected.")])),
        },
      },
    };
  }
  const schemas = Object.fromEntries(
    Object.entries(NAMED).map(([name, schema]) => [
      name,
      inline(toJsonSchema(schema, { errorMode: "ignore" })),
    ]),
  );
  return {
    openapi: "3.1.0",
    info: {
      title: "Tickwork",
      version: "1",
      description: "Background tasks on Postgres. Times are ISO 8601 in UTC; ids are opaque.",
    },
    security: [{ key: [] }],
    paths,
    components: { securitySchemes: { key: { type: "http", scheme: "bearer" } }, schemas },
  };
}

function inline({ $schema: _, ...schema }: ReturnType<typeof toJsonSchema>): object {
  return schema;
}

const MEANING: Readonly<Record<number, string>> = {
  400: "The body is not JSON.",
  401: "The key is missing or wrong.",
  404: "There is no such task or route.",
  409: "The state of the task forbids it.",
  413: "The request is too large.",
  422: "A value is not acceptable; issues says which one and what it must be.",
  500: "The service is not healthy.",
  503: "Postgres does not answer.",
};
