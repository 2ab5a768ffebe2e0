/** A schema as people read it: fields with their types, what they mean, and what is in them. */
import { useState } from "preact/hooks";
import { type Document, nameOfReference, resolve, type Schema } from "./document.ts";

/** A text whose parts between backticks are code. */
export const words = (text = "") =>
  text.split("`").map((part, n) => (n % 2 === 1 ? <code key={n}>{part}</code> : part));

/** @example typeOf({ anyOf: [{ type: "string" }, { type: "null" }] }); // "string or null" */
export function typeOf(schema: Schema): string {
  if (schema.$ref) return nameOfReference(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(" or ");
  if (schema.type === "array") return `array of ${schema.items ? typeOf(schema.items) : "anything"}`;
  if (schema.format === "date-time") return "time";
  return [schema.type ?? "any JSON"].flat().join(" or ");
}

/** @example limitsOf({ type: "integer", minimum: 1, maximum: 9 }); // "from 1 to 9" */
export function limitsOf(schema: Schema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  const said = [
    between(minimum, maximum, ""),
    between(minLength, maxLength, " characters"),
    between(minItems, maxItems, " items"),
    ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
    ...(schema.anyOf ?? []).map(limitsOf),
  ];
  return said.filter(Boolean).join(", ");
}

function between(from: number | undefined, to: number | undefined, unit: string): string {
  if (to === Number.MAX_SAFE_INTEGER) to = undefined;
  if (from === undefined) return to === undefined ? "" : `at most ${to}${unit}`;
  return to === undefined ? `at least ${from}${unit}` : `from ${from} to ${to}${unit}`;
}

/** The objects in it that have fields. */
function partsOf(document: Document, schema: Schema): Schema[] {
  const found = resolve(document, schema);
  if (found.properties) return [found];
  if (found.items) return partsOf(document, found.items);
  return (found.anyOf ?? []).flatMap((one) => partsOf(document, one));
}

export function Fields({ document, schema }: { document: Document; schema: Schema }) {
  // A task and an array of tasks have the same fields.
  const parts = [...new Set(partsOf(document, schema))];
  if (parts.length === 0)
    return <p class="muted">{words(resolve(document, schema).description ?? typeOf(schema))}</p>;
  return (
    <>
      {schema.anyOf && <p class="muted">{typeOf(schema)}</p>}
      {parts.map((part, n) => (
        <dl key={n} class="fields">
          {Object.entries(part.properties ?? {}).map(([name, field]) => (
            <Field
              key={name}
              document={document}
              name={name}
              field={field}
              isRequired={part.required?.includes(name) ?? false}
            />
          ))}
        </dl>
      ))}
    </>
  );
}

function Field({
  document,
  name,
  field,
  isRequired,
}: {
  document: Document;
  name: string;
  field: Schema;
  isRequired: boolean;
}) {
  const limits = limitsOf(field);
  return (
    <>
      <dt>
        <code>{name}</code>
        <span class="muted">{typeOf(field)}</span>
        {isRequired && <span class="required">required</span>}
      </dt>
      <dd>
        {words(field.description ?? resolve(document, field).description)}
        {limits && <span class="muted limits">{limits}</span>}
        {partsOf(document, field).length > 0 && (
          <Folded label={`Fields of ${name}`}>{() => <Fields document={document} schema={field} />}</Folded>
        )}
      </dd>
    </>
  );
}

/** What is made only once it is opened: schemas may contain themselves. */
export function Folded({ label, children }: { label: string; children: () => preact.ComponentChildren }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details onToggle={(event) => setIsOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>{label}</summary>
      {isOpen && children()}
    </details>
  );
}
