/** `/openapi.json`, read as a promise: which operation a request is, and whether its answer is as described. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { ERRORS } from "../../../packages/core/errors.ts";

export type Schema = Readonly<Record<string, unknown>>;

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
}

interface Response {
  $ref?: string;
  headers?: Record<string, { required?: boolean; schema: Schema }>;
  content?: Record<string, { schema: Schema; example?: unknown }>;
}

export interface DescribedOperation {
  operationId: string;
  method: string;
  /** With its parameters in braces. */
  path: string;
  parameters: Parameter[];
  body?: Schema;
}

export interface AnswerToCheck {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** As text; empty when there is none. */
  text: string;
}

export interface Described {
  operations: DescribedOperation[];
  /** What a reference in the document leads to. */
  resolve(schema: Schema): Schema;
  /** The operation that answers such a request; undefined for what is not described. */
  find(method: string, pathname: string): DescribedOperation | undefined;
  /** What in an answer is not as described; undefined when all of it is. */
  complaint(operation: DescribedOperation | undefined, answer: AnswerToCheck): string | undefined;
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        parameters?: Parameter[];
        requestBody?: Response;
        responses: Record<string, Response>;
      }
    >
  >;
  components: { responses: Record<string, Response> };
}

const ID = "openapi.json";

export function readDescription(document: unknown): Described {
  const { paths, components } = document as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  (addFormats as unknown as (to: Ajv2020) => void)(ajv);
  ajv.addSchema(closed(document) as Schema, ID);
  const compiled = new Map<string, ValidateFunction>();
  const at = (pointer: string) => {
    const known = compiled.get(pointer) ?? ajv.compile({ $ref: `${ID}#${pointer}` });
    compiled.set(pointer, known);
    return known;
  };
  const wrong = (pointer: string, value: unknown): string | undefined => {
    const validate = at(pointer);
    return validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: "it" });
  };
  /** Where the response is that a status has, and the response itself. */
  const responseAt = (pointer: string, response: Response): [string, Response] => {
    if (!response.$ref) return [pointer, response];
    const name = response.$ref.split("/").at(-1) ?? "";
    return [`/components/responses/${name}`, components.responses[name] as Response];
  };
  const JSON_BODY = "/content/application~1json/schema";

  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters = [], requestBody }]) => {
      const body = requestBody?.content?.["application/json"]?.schema;
      return { operationId, method: method.toUpperCase(), path, parameters, ...(body && { body }) };
    }),
  );
  const patterns = operations
    .map((operation) => ({
      operation,
      // Those without parameters are more exact: /tasks/running is no task.
      parameters: operation.path.split("{").length,
      pattern: new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    }))
    .sort((a, b) => a.parameters - b.parameters);

  const undescribed = ({ status, text }: AnswerToCheck): string | undefined => {
    const code = (JSON.parse(text) as { error?: { code?: string } }).error?.code ?? "";
    if (!UNDESCRIBED.has(code)) return `${code || "no code"} for a request that is not described`;
    return ERRORS[code as keyof typeof ERRORS] === status ? undefined : `${code} with status ${status}`;
  };

  return {
    operations,
    resolve: (schema) => {
      if (typeof schema.$ref !== "string") return schema;
      return schema.$ref
        .split("/")
        .slice(1)
        .reduce<unknown>((one, name) => (one as Record<string, unknown>)[name], document) as Schema;
    },
    find: (method, pathname) =>
      patterns.find(({ operation, pattern }) => operation.method === method && pattern.test(pathname))
        ?.operation,
    complaint(operation, answer) {
      const { status, headers, text } = answer;
      if (text !== "" && !headers["content-type"]?.startsWith("application/json"))
        return `the content type is ${headers["content-type"]}`;
      let body: unknown;
      try {
        body = text === "" ? undefined : JSON.parse(text);
      } catch {
        return `the body is not JSON: ${text.slice(0, 80)}`;
      }
      if (!operation) return text === "" ? "there is no body" : undescribed(answer);
      const responses = paths[operation.path]?.[operation.method.toLowerCase()]?.responses ?? {};
      const found = responses[status];
      if (!found) return `the status ${status} is not described: ${text.slice(0, 200)}`;
      const [pointer, response] = responseAt(`${pointerOf(operation)}/responses/${status}`, found);
      for (const [name, { required, schema }] of Object.entries(response.headers ?? {})) {
        const given = headers[name.toLowerCase()];
        if (given === undefined ? required : !ajv.validate(schema, given)) return `${name} is ${given}`;
      }
      if (!response.content) return text === "" ? undefined : "there is a body";
      return wrong(pointer + JSON_BODY, body);
    },
  };
}

function pointerOf({ path, method }: DescribedOperation): string {
  const escaped = path.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
  return `/paths/${escaped}/${method.toLowerCase()}`;
}

/** What may be answered to a request that the document does not describe. */
const UNDESCRIBED = new Set([
  "malformed_request",
  "key_missing",
  "key_wrong",
  "body_too_large",
  "route_not_found",
]);

/** The same document in which objects have the properties that it names, and no others. */
function closed(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => closed(one));
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner, key)]));
  const isClosed = copy.type === "object" && !("additionalProperties" in copy);
  // Only a table that is older than Tickwork has more columns.
  return isClosed || (name === "Task" && copy.properties) ? { ...copy, additionalProperties: false } : copy;
}
