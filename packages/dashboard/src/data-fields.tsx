/** The data of a task as a form that is made from its schema; or as JSON, where a form cannot say it. */
import { Field, type Refusal, wrongAt } from "./field.tsx";
import { messageOf } from "./session.ts";

export type Schema = Record<string, unknown>;

interface DataField {
  name: string;
  kind: "text" | "long" | "number" | "boolean" | "choice" | "json";
  isRequired: boolean;
  options: string[];
  help: string | undefined;
  initial: string;
  isWhole: boolean;
}

/** The fields of an object; undefined when the data is no object. */
export function fieldsOf(schema: Schema | null): DataField[] | undefined {
  const properties = schema?.properties as Record<string, Schema> | undefined;
  if (!properties || Object.keys(properties).length === 0) return undefined;
  const required = (schema?.required ?? []) as string[];
  return Object.entries(properties).map(([name, property]) => {
    const options = (property.enum ?? []) as unknown[];
    const isText = property.type === "string";
    return {
      name,
      kind:
        options.length > 0 && options.every((one) => typeof one === "string")
          ? "choice"
          : isText
            ? name === "body"
              ? "long"
              : "text"
            : property.type === "number" || property.type === "integer"
              ? "number"
              : property.type === "boolean"
                ? "boolean"
                : "json",
      isRequired: required.includes(name) && property.default === undefined,
      options: options.map(String),
      help: typeof property.description === "string" ? property.description : undefined,
      initial:
        property.default === undefined
          ? ""
          : typeof property.default === "string"
            ? property.default
            : JSON.stringify(property.default),
      isWhole: property.type === "integer",
    };
  });
}

/** @throws SyntaxError */
function readField({ kind, name }: DataField, text: string): unknown {
  if (kind === "text" || kind === "long" || kind === "choice") return text;
  if (kind === "boolean") return text === "true";
  if (kind === "number") return Number(text);
  return parse(text, name);
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`${what} must be JSON: ${messageOf(error)}`);
  }
}

/** Whether a form can say all of it. */
export function fits(fields: readonly DataField[] | undefined, data: unknown): boolean {
  if (!fields) return false;
  if (data === null || data === undefined) return true;
  if (typeof data !== "object" || Array.isArray(data)) return false;
  return Object.keys(data).every((key) => fields.some(({ name }) => name === key));
}

/** What was given; undefined for nothing at all. @throws SyntaxError */
export function readData(form: FormData, fields: readonly DataField[] | undefined): unknown {
  const text = (name: string) => String(form.get(name) ?? "");
  if (!fields) return text("json").trim() ? parse(text("json"), "The data") : undefined;
  return Object.fromEntries(
    fields.flatMap((field) => {
      const given = text(`data.${field.name}`);
      return given === "" && !field.isRequired ? [] : [[field.name, readField(field, given)]];
    }),
  );
}

/**
 * @param props.fields those of the schema; undefined: as JSON
 * @param props.data what they say first
 */
export function DataFields({
  fields,
  data,
  refusal,
}: {
  fields: readonly DataField[] | undefined;
  data?: unknown;
  refusal: Refusal | undefined;
}) {
  if (!fields)
    return (
      <Field label="Data, as JSON" wrong={wrongAt(refusal, "task_data")}>
        {(input) => (
          <textarea
            {...input}
            name="json"
            rows={8}
            spellcheck={false}
            placeholder="{ }"
            defaultValue={data === null || data === undefined ? "" : JSON.stringify(data, null, 2)}
          />
        )}
      </Field>
    );
  const given = Object(data) as Record<string, unknown>;
  return (
    <>
      {fields.map((field) => (
        <Input key={field.name} field={field} value={given[field.name]} refusal={refusal} />
      ))}
    </>
  );
}

function Input({
  field,
  value,
  refusal,
}: {
  field: DataField;
  value: unknown;
  refusal: Refusal | undefined;
}) {
  const { name, kind, isRequired, options, help, initial, isWhole } = field;
  const said = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  return (
    <Field
      label={name}
      optional={!isRequired}
      hint={help ?? (kind === "json" ? "JSON" : undefined)}
      wrong={wrongAt(refusal, `task_data.${name}`)}
    >
      {(input) => {
        const common = { ...input, name: `data.${name}`, required: isRequired, defaultValue: said };
        if (kind === "choice" || kind === "boolean")
          return (
            <select {...common}>
              {!isRequired && <option value="">{initial ? `Default: ${initial}` : ""}</option>}
              {(kind === "boolean" ? ["true", "false"] : options).map((option) => (
                <option key={option} selected={option === said}>
                  {option}
                </option>
              ))}
            </select>
          );
        if (kind === "number")
          return <input {...common} type="number" step={isWhole ? "1" : "any"} placeholder={initial} />;
        if (kind === "json" || kind === "long")
          return <textarea {...common} rows={2} spellcheck={false} placeholder={initial} />;
        return <input {...common} placeholder={initial} autocomplete="off" />;
      }}
    </Field>
  );
}
