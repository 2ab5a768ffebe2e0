/** A form made from a schema, to create a task; or its data as JSON, where a form cannot say it. */
import { useId, useState } from "preact/hooks";
import { Button, tell } from "./parts.tsx";
import { go } from "./router.ts";
import { messageOf, session } from "./session.ts";

type Schema = Record<string, unknown>;

interface Field {
  name: string;
  kind: "text" | "long" | "number" | "boolean" | "choice" | "json";
  isRequired: boolean;
  options: string[];
  help: string | undefined;
  initial: string;
  isWhole: boolean;
}

/** The fields of an object; undefined when the data is no object. */
function fieldsOf(schema: Schema | null): Field[] | undefined {
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
function readField({ kind, name }: Field, text: string): unknown {
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

export function CreateForm({ type, schema }: { type: string; schema: Schema | null }) {
  const fields = fieldsOf(schema);
  const [asJson, setAsJson] = useState(fields === undefined);
  const [refusal, setRefusal] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const client = session.get();
    if (busy || !client) return;
    setBusy(true);
    setRefusal(undefined);
    try {
      const form = new FormData(event.currentTarget as HTMLFormElement);
      const text = (name: string) => String(form.get(name) ?? "");
      const data =
        asJson || !fields
          ? text("json").trim() && parse(text("json"), "The data")
          : Object.fromEntries(
              fields.flatMap((field) => {
                const given = text(`data.${field.name}`);
                return given === "" && !field.isRequired ? [] : [[field.name, readField(field, given)]];
              }),
            );
      const task = await client.create({
        type,
        ...(data !== "" && { task_data: data }),
        ...(text("due") && { scheduled_time: new Date(text("due")) }),
        ...(text("attempts") && { max_attempts: Number(text("attempts")) }),
      });
      tell(`Task ${task.id} was created`);
      go(["tasks", task.id]);
    } catch (error) {
      setRefusal(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="create" onSubmit={submit}>
      {asJson || !fields ? (
        <label class="field">
          Data, as JSON
          <textarea name="json" rows={8} spellcheck={false} placeholder="{ }" />
        </label>
      ) : (
        fields.map((field) => <Input key={field.name} field={field} />)
      )}
      <div class="pair">
        <label class="field">
          Due
          <input name="due" type="datetime-local" step="1" />
          <small>Empty: now</small>
        </label>
        <label class="field">
          Attempts
          <input name="attempts" type="number" min="1" max="1000" />
          <small>Empty: as its type says</small>
        </label>
      </div>
      {refusal && (
        <p class="refusal" role="alert">
          {refusal}
        </p>
      )}
      <div class="buttons">
        <button class="button main" type="submit" aria-busy={busy}>
          Create the task
        </button>
        {fields && <Button onClick={() => setAsJson(!asJson)}>{asJson ? "As a form" : "As JSON"}</Button>}
      </div>
    </form>
  );
}

function Input({ field }: { field: Field }) {
  const { name, kind, isRequired, options, help, initial, isWhole } = field;
  const id = useId();
  const common = { id, name: `data.${name}`, required: isRequired };
  return (
    <div class="field">
      <label for={id}>
        {name}
        {!isRequired && <span class="muted"> optional</span>}
      </label>
      {kind === "choice" || kind === "boolean" ? (
        <select {...common}>
          {!isRequired && <option value="">{initial ? `Default: ${initial}` : ""}</option>}
          {(kind === "boolean" ? ["true", "false"] : options).map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      ) : kind === "number" ? (
        <input {...common} type="number" step={isWhole ? "1" : "any"} placeholder={initial} />
      ) : kind === "json" || kind === "long" ? (
        <textarea {...common} rows={2} spellcheck={false} placeholder={initial} />
      ) : (
        <input {...common} placeholder={initial} autocomplete="off" />
      )}
      {help && <small>{help}</small>}
      {kind === "json" && !help && <small>JSON</small>}
    </div>
  );
}
