/** The description of the API, as far as the page reads it. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  additionalProperties?: Schema | boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  format?: string;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  example?: unknown;
  schema: Schema;
}

interface Content {
  "application/json"?: { schema: Schema; example?: unknown };
}

export interface Answer {
  $ref?: string;
  description: string;
  headers?: Record<string, { description?: string }>;
  content?: Content;
}

export interface Described {
  operationId: string;
  summary: string;
  tags?: string[];
  "x-scope"?: string;
  security?: unknown[];
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, Answer>;
}

export interface Document {
  info: { title: string; version: string; summary?: string; description?: string };
  tags: { name: string; description?: string }[];
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Answer> };
}

export interface Operation extends Described {
  method: string;
  path: string;
}

/** The operations by chapter, in the order of the chapters. */
export function chaptersOf({
  tags,
  paths,
}: Document): { name: string; description: string; operations: Operation[] }[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ method, path, ...described })),
  );
  return tags.map(({ name, description = "" }) => ({
    name,
    description,
    operations: all.filter((one) => one.tags?.[0] === name),
  }));
}

/** What a reference leads to; anything else as it is. */
export function resolve<Part extends { $ref?: string }>(document: Document, part: Part): Part {
  if (!part.$ref) return part;
  let found: unknown = document;
  for (const step of part.$ref.replace(/^#\//, "").split("/"))
    found = (found as Record<string, unknown>)[step];
  return found as Part;
}

/** @example nameOfReference("#/components/schemas/Task"); // "Task" */
export const nameOfReference = (reference: string): string => reference.split("/").at(-1) ?? "";

/** The codes that an answer with an error may have. */
export function codesOf({ content }: Answer): string[] {
  const schema = content?.["application/json"]?.schema;
  const errors = [schema, ...(schema?.anyOf ?? [])].flatMap((one) => one?.properties?.error ?? []);
  return errors.flatMap(({ properties }) => {
    const code = properties?.code;
    return (code?.enum ?? (code?.const === undefined ? [] : [code.const])) as string[];
  });
}

/** The path with the examples of its parameters. */
export function pathWith(operation: Operation, given: (parameter: Parameter) => unknown): string {
  const parameters = operation.parameters ?? [];
  let path = operation.path;
  const query = new URLSearchParams();
  for (const parameter of parameters) {
    const value = given(parameter);
    if (value === undefined || value === "") continue;
    if (parameter.in === "path")
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(String(value)));
    if (parameter.in === "query") query.set(parameter.name, String(value));
  }
  return query.size > 0 ? `${path}?${query}` : path;
}
