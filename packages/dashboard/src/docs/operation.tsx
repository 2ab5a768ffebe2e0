import { memo } from "../memo.ts";
import { Button, copy } from "../parts.tsx";
import { apiUrl } from "../session.ts";
import {
  type Answer,
  codesOf,
  type Document,
  type Operation,
  type Parameter,
  pathWith,
  resolve,
} from "./document.ts";
import { Fields, Folded, limitsOf, typeOf, words } from "./schema.tsx";
import { Try } from "./try.tsx";

const bodyOf = ({ requestBody }: Operation) => requestBody?.content["application/json"];
export const exampleOf = ({ example, required, schema }: Parameter) =>
  example ?? (required ? (schema.enum?.[0] ?? "…") : undefined);

/** A command that does it; the key is not in it. */
function curlOf(operation: Operation): string {
  const path = pathWith(operation, exampleOf);
  const method = operation.method.toUpperCase();
  const example = bodyOf(operation)?.example;
  return [
    `curl ${method === "GET" || (method === "POST" && example) ? "" : `-X ${method} `}'${apiUrl}${path}'`,
    ...(operation.security?.length === 0 ? [] : [`-H "Authorization: Bearer $API_KEY"`]),
    ...(example === undefined
      ? []
      : [
          "-H 'Content-Type: application/json'",
          `-d '${JSON.stringify(example, null, 2).replaceAll("'", "'\\''")}'`,
        ]),
  ].join(" \\\n  ");
}

export const OperationCard = memo(function OperationCard({
  document,
  operation,
}: {
  document: Document;
  operation: Operation;
}) {
  const { operationId, method, path, summary, parameters = [], responses } = operation;
  const scope = operation["x-scope"];
  const body = bodyOf(operation);
  const curl = curlOf(operation);
  const answers = Object.entries(responses).map(
    ([status, answer]) => [status, resolve(document, answer)] as const,
  );
  const example = answers.find(([status, { content }]) => status < "300" && content)?.[1].content?.[
    "application/json"
  ]?.example;
  return (
    <section class="card operation" id={operationId} aria-labelledby={`${operationId}-path`}>
      <header>
        <h3 id={`${operationId}-path`}>
          <span class={`method ${method}`}>{method.toUpperCase()}</span> <code>{path}</code>
        </h3>
        {scope ? (
          <span class="chip">scope {scope}</span>
        ) : (
          <span class="chip">{operation.security?.length === 0 ? "needs no key" : "any key"}</span>
        )}
      </header>
      <div class="operation-body">
        <div class="told">
          <p class="summary">{words(summary)}</p>
          {parameters.length > 0 && (
            <>
              <h4>Parameters</h4>
              <dl class="fields">
                {parameters.map((parameter) => (
                  <ParameterRow key={parameter.name} parameter={parameter} />
                ))}
              </dl>
            </>
          )}
          {body && (
            <>
              <h4>Body</h4>
              <Fields document={document} schema={body.schema} />
            </>
          )}
          <h4>Answers</h4>
          <dl class="answers">
            {answers.map(([status, answer]) => (
              <AnswerRow key={status} document={document} status={status} answer={answer} />
            ))}
          </dl>
        </div>
        <div class="shown">
          <Sample
            label={`${method.toUpperCase()} ${path} with curl`}
            title="curl"
            text={curl}
            what="the command"
          />
          {example !== undefined && (
            <Sample
              label={`An answer of ${method.toUpperCase()} ${path}`}
              title="Answer"
              text={JSON.stringify(example, null, 2)}
              what="the answer"
            />
          )}
          <Folded label="Try it here">{() => <Try operation={operation} />}</Folded>
        </div>
      </div>
    </section>
  );
});

const WHERE = { path: "in the path", query: "in the query", header: "a header" };

function ParameterRow({ parameter }: { parameter: Parameter }) {
  const limits = limitsOf(parameter.schema);
  return (
    <>
      <dt>
        <code>{parameter.name}</code>
        <span class="muted">
          {typeOf(parameter.schema)}, {WHERE[parameter.in]}
        </span>
        {parameter.required && <span class="required">required</span>}
      </dt>
      <dd>
        {words(parameter.description)}
        {limits && <span class="muted limits">{limits}</span>}
      </dd>
    </>
  );
}

function AnswerRow({ document, status, answer }: { document: Document; status: string; answer: Answer }) {
  const content = answer.content?.["application/json"];
  const codes = codesOf(answer);
  const kind = status < "300" ? "completed" : status < "500" ? "late" : "failed";
  return (
    <>
      <dt>
        <span class={`chip ${kind}`}>{status}</span>
      </dt>
      <dd>
        {words(answer.description)}
        {codes.length > 0 && (
          <span class="codes">
            {codes.map((code) => (
              <code key={code}>{code}</code>
            ))}
          </span>
        )}
        {content && codes.length === 0 && (
          <Folded label={`${typeOf(content.schema)}: its fields`}>
            {() => <Fields document={document} schema={content.schema} />}
          </Folded>
        )}
      </dd>
    </>
  );
}

function Sample({ title, label, text, what }: { title: string; label: string; text: string; what: string }) {
  return (
    <figure class="sample">
      <figcaption>
        {title}
        <Button onClick={() => copy(text, what)} aria-label={`Copy ${what}: ${label}`}>
          Copy
        </Button>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="json" tabIndex={0} aria-label={label}>
        <pre>{text}</pre>
      </section>
    </figure>
  );
}
