import { setImmediate as nextTurn } from "node:timers/promises";
import { type ConversionConfig, type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { ErrorCode } from "#core";
import { ERRORS } from "../../core/errors.ts";
import { NAME_LIMIT } from "../../core/limits.ts";
import { HOOK_EVENTS } from "../../core/tasks/hooks.ts";
import { RETRY_AFTER_SECONDS } from "../errors.ts";
import { COMMON_ERRORS, type Operation, operations } from "../operations/operations.ts";
import { tagOf, tags } from "../operations/tags.ts";
import { errorSchema } from "../schemas/error-schema.ts";
import { NewTaskSchema, OmittingTaskSchema, StatsSchema, TaskSchema } from "../schemas/schemas.ts";
import { errorExamples } from "./error-examples.ts";
import { examples } from "./openapi-examples.ts";

type Json = Record<string, unknown>;

interface Response {
  description: string;
  headers?: Json;
  content?: { "application/json": { schema: Json; example?: unknown } };
}
type Responses = Record<string, Response>;

/** Schemas that are referred to by name. */
const NAMED = {
  Task: TaskSchema,
  OmittingTask: OmittingTaskSchema,
  NewTask: NewTaskSchema,
  Stats: StatsSchema,
};

/** What stands between the slashes of a path. */
const PATH_PARAMETERS: Readonly<
  Record<string, { description: string; example: string | number; schema: Json }>
> = {
  id: {
    description: "The id of the task, or of the key.",
    example: 7,
    schema: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  },
  name: {
    description: "The name of a schedule.",
    example: "nightly",
    schema: { type: "string", minLength: 1, maxLength: NAME_LIMIT },
  },
  collection: {
    description: "What the item belongs to, such as baasix_Tasks.",
    example: "baasix_Tasks",
    schema: { type: "string" },
  },
  type: { description: "A type of task.", example: "http_request", schema: { type: "string" } },
  event: {
    description: "What happened to it.",
    example: "items.create.after",
    schema: { type: "string", enum: [...HOOK_EVENTS] },
  },
};

/** Renders the operations and their schemas. */
export async function renderOpenApi(): Promise<Json> {
  const paths: Record<string, Json> = {};
  for (const [operationId, operation] of Object.entries(operations) as [
    keyof typeof operations,
    Operation,
  ][]) {
    const { method, path, summary, json, open, scope } = operation;
    // Others get their turn: all of it takes a third of a second.
    await nextTurn();
    const parameters = parametersOf(operation);
    const address = path.replaceAll(/:(\w+)/g, "{$1}");
    paths[address] = {
      ...paths[address],
      [method]: {
        operationId,
        summary,
        tags: [tagOf(path)],
        ...(scope && { description: `Needs the scope \`${scope}\`.`, "x-scope": scope }),
        ...(open && { security: [] }),
        ...(parameters.length > 0 && { parameters }),
        ...(json && {
          requestBody: { required: true, ...content(render(json, "input"), examples[operationId]?.request) },
        }),
        responses: responsesOf(operationId, operation),
      },
    };
  }
  const failures: Record<string, Response> = {};
  for (const codes of Object.values(operations).flatMap(failuresOf))
    failures[nameOfFailure(codes)] ??= failure(codes);
  await nextTurn();
  return {
    openapi: "3.1.0",
    info: {
      title: "Tickwork",
      version: "1",
      summary: "Background tasks on Postgres.",
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }, { session: [] }],
    tags,
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "An API key." },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "__Host-tickwork",
          description: "The session of a browser that has signed in; on localhost without TLS, `tickwork`.",
        },
      },
      schemas: Object.fromEntries(
        Object.entries(NAMED).map(([name, schema]) => [
          name,
          renderInline(schema, name === "NewTask" ? "input" : "output"),
        ]),
      ),
      responses: failures,
    },
  };
}

const DESCRIPTION =
  "Times in answers are ISO 8601 in UTC; ids are opaque. Whatever is not done is answered with `{error: {code, message, issues?}}`. A path or a method that is not described here is answered with 404 and the code `route_not_found`, a query parameter that is not with 422, except where monitors and hooks ask; the dashboard is at `/`, and this description is readable at `/docs`.";

function render(schema: v.GenericSchema, typeMode: "input" | "output"): Json {
  return withoutDefinitions(toJsonSchema(schema, { ...OPTIONS, typeMode, definitions: NAMED }));
}

/** The schema itself where a reference to it would be rendered. */
function renderInline(schema: v.GenericSchema, typeMode: "input" | "output"): Json {
  const { [nameOf(schema)]: _, ...others } = NAMED as Record<string, v.GenericSchema>;
  return withoutDefinitions(toJsonSchema(schema, { ...OPTIONS, typeMode, definitions: others }));
}

const nameOf = (schema: v.GenericSchema) =>
  Object.entries(NAMED).find(([, named]) => named === schema)?.[0] ?? "";

const OPTIONS: ConversionConfig = {
  // JSON Schema cannot express our own checks; their descriptions say what is accepted.
  errorMode: "ignore",
  // Nor has JSON dates: code may give one where a request has a text.
  overrideSchema: ({ valibotSchema, jsonSchema: { anyOf: options = [] } }) => {
    const isDate = (option: (typeof options)[number]) => Object.keys(option).length === 0;
    if (valibotSchema.type !== "union" || !options.some(isDate)) return undefined;
    const others = options.filter((option) => !isDate(option));
    return others.length === 1 ? (others[0] as JsonSchema) : { anyOf: others };
  },
};

function withoutDefinitions({ $schema: _, $defs: __, ...schema }: ReturnType<typeof toJsonSchema>): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll("#/$defs/", "#/components/schemas/")) as Json;
}

const content = (schema: Json, example?: unknown) => ({
  content: { "application/json": { schema, ...(example !== undefined && { example }) } },
});

function parametersOf({ path, query, headers }: Operation): Json[] {
  const fieldsOf = (schema: v.GenericSchema | undefined, where: "query" | "header") =>
    Object.entries((schema ? (render(schema, "input").properties ?? {}) : {}) as Record<string, Json>).map(
      ([name, { description, ...field }]) => ({
        name,
        in: where,
        ...(description ? { description } : {}),
        schema: field,
      }),
    );
  return [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
      name,
      in: "path",
      required: true,
      ...PATH_PARAMETERS[name],
    })),
    ...fieldsOf(headers, "header"),
    ...fieldsOf(query, "query"),
  ];
}

function answersOf(operationId: keyof typeof operations, { answer, otherwise }: Operation): Responses {
  const { answer: example, otherwise: otherExample } = examples[operationId] ?? {};
  return {
    [answer.status]: {
      description: "Done.",
      ...(answer.headers && {
        headers: Object.fromEntries(
          Object.entries(answer.headers).map(([name, description]) => [
            name,
            { description, schema: { type: "string" } },
          ]),
        ),
      }),
      ...(answer.schema && content(render(answer.schema, "output"), example)),
    },
    ...(otherwise && {
      [otherwise.status]: {
        description: otherwise.when,
        ...content(render(otherwise.schema, "output"), otherExample),
      },
    }),
  };
}

/** The errors that an operation may answer with, those of a status together. */
function failuresOf({ errors, json, open, scope, unlimited, anyQuery }: Operation): ErrorCode[][] {
  const { all, withKey, withScope, withBody, withoutAnyQuery, limited } = COMMON_ERRORS;
  const ofKey = open ? [] : [...withKey, ...(scope ? withScope : [])];
  const codes = [
    ...new Set<ErrorCode>([
      ...(json ? withBody : []),
      ...errors,
      ...(anyQuery ? [] : withoutAnyQuery),
      ...all,
      ...ofKey,
      ...(unlimited ? [] : limited),
    ]),
  ];
  const statuses = [...new Set(codes.map((code) => ERRORS[code]))];
  return statuses.map((status) => codes.filter((code) => ERRORS[code] === status));
}

const statusOf = (codes: readonly ErrorCode[]) => ERRORS[codes[0] ?? "internal"];

/** @example nameOfFailure(["key_missing", "key_wrong"]); // "KeyMissingOrKeyWrong" */
const nameOfFailure = (codes: readonly ErrorCode[]) =>
  codes.map((code) => code.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())).join("Or");

function failure(codes: ErrorCode[]): Response {
  const status = statusOf(codes);
  const headers = HEADERS[status];
  const shown = codes.find((code) => code in errorExamples);
  return {
    description: MEANING[status],
    ...(headers && { headers }),
    ...content(
      // It refers to none of those that have a name; to render them for nothing takes long.
      withoutDefinitions(toJsonSchema(errorSchema(codes), { ...OPTIONS, typeMode: "output" })),
      shown && { error: { code: shown, ...errorExamples[shown] } },
    ),
  };
}

function responsesOf(operationId: keyof typeof operations, operation: Operation): Json {
  const answers = answersOf(operationId, operation);
  const failures = failuresOf(operation).map((codes) => {
    const answer = answers[statusOf(codes)];
    const reference = { $ref: `#/components/responses/${nameOfFailure(codes)}` };
    return [statusOf(codes), answer ? either(answer, failure(codes)) : reference];
  });
  return { ...answers, ...Object.fromEntries(failures) };
}

/** For a status that is an answer and a failure. */
function either(answer: Response, failure: Response): Response {
  const [first, second] = [answer, failure].map(({ content }) => content?.["application/json"]);
  return {
    description: `${answer.description} Or: ${failure.description}`,
    ...content({ anyOf: [first?.schema, second?.schema] }, first?.example),
  };
}

const text = (description: string, value: string) => ({
  description,
  required: true,
  schema: { type: "string", const: value },
});

const HEADERS: Partial<Record<number, Json>> = {
  401: { "WWW-Authenticate": text("How to authenticate.", "Bearer") },
  429: {
    "Retry-After": {
      description: "Seconds after which to try again.",
      required: true,
      schema: { type: "string", pattern: "^[1-9][0-9]*$" },
    },
  },
  503: { "Retry-After": text("Seconds after which to try again.", RETRY_AFTER_SECONDS) },
};

const MEANING = {
  400: "The request cannot be read.",
  401: "The key is missing or wrong, or has ended.",
  403: "The key may not do this, or it was another site that asked.",
  404: "There is no such task, key or event.",
  409: "The state of the task forbids it, or the number of keys.",
  413: "The request is too large.",
  422: "A value is not acceptable; `issues` says which one and what it must be.",
  429: "Too many requests; `Retry-After` says when to try again.",
  500: "A defect of Tickwork; its log says what.",
  503: "A database does not answer. What was asked may have been done.",
} as const satisfies Record<(typeof ERRORS)[ErrorCode], string>;
