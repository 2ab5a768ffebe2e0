/** Sends a request as whoever is signed in, and shows what comes back. */
import { useId, useState } from "preact/hooks";
import { ask } from "../parts.tsx";
import { messageOf, send } from "../session.ts";
import { type Operation, type Parameter, pathWith } from "./document.ts";

interface Came {
  status: number;
  text: string;
  ms: number;
}

export function Try({ operation }: { operation: Operation }) {
  const { method, path, parameters = [], requestBody } = operation;
  const [came, setCame] = useState<Came>();
  const [failure, setFailure] = useState<string>();
  const example = requestBody?.content["application/json"]?.example;
  // A session is for this page alone: to end it here would be a surprise, and a key is not to be typed here.
  const isSession = path === "/session" && method !== "get";
  const call = async (form: FormData) => {
    const value = ({ name }: Parameter) => String(form.get(name) ?? "").trim();
    const headers = Object.fromEntries(
      parameters.filter((one) => one.in === "header" && value(one)).map((one) => [one.name, value(one)]),
    );
    const body = requestBody ? String(form.get("body")) : undefined;
    setFailure(undefined);
    try {
      const startedMs = performance.now();
      const answer = await send(pathWith(operation, value), {
        method: method.toUpperCase(),
        headers: { ...headers, ...(body !== undefined && { "Content-Type": "application/json" }) },
        ...(body !== undefined && { body }),
      });
      const text = await answer.text();
      setCame({ status: answer.status, text: pretty(text), ms: Math.round(performance.now() - startedMs) });
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    if (method === "get") return void call(form);
    ask({
      title: `${method.toUpperCase()} ${path}?`,
      body: "This is no exercise: it changes this deployment.",
      act: "Send it",
      kind: method === "delete" ? "danger" : "main",
      onAct: () => call(form),
    });
  };
  if (isSession) return <p class="muted">The page signs in and out by itself.</p>;
  return (
    <form class="create try" onSubmit={submit}>
      {parameters.map((parameter) => (
        <Given key={parameter.name} parameter={parameter} />
      ))}
      {requestBody && (
        <label class="field">
          Body
          <textarea
            name="body"
            rows={8}
            spellcheck={false}
            defaultValue={JSON.stringify(example ?? {}, null, 2)}
          />
        </label>
      )}
      <button type="submit" class={`button ${method === "get" ? "main" : ""}`}>
        {method === "get" ? "Send" : "Send…"}
      </button>
      {failure && (
        <p class="refusal" role="alert">
          {failure}
        </p>
      )}
      {came && (
        <div role="status">
          <p>
            <span class={`chip ${came.status < 300 ? "completed" : "failed"}`}>{came.status}</span>{" "}
            <span class="muted">in {came.ms} ms</span>
          </p>
          {came.text && (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            <section class="json" tabIndex={0} aria-label="What came back">
              <pre>{came.text}</pre>
            </section>
          )}
        </div>
      )}
    </form>
  );
}

function Given({ parameter: { name, required = false, schema, example } }: { parameter: Parameter }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{name}</label>
      {schema.enum ? (
        <select id={id} name={name} required={required}>
          {!required && <option value="">–</option>}
          {schema.enum.map((one) => (
            <option key={String(one)}>{String(one)}</option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          name={name}
          required={required}
          placeholder={example === undefined ? "" : String(example)}
          autocomplete="off"
        />
      )}
    </div>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
