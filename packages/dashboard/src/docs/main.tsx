/** The API, to read and to try: made from `/openapi.json`, so that it says what the server checks. */
import "../styles/docs.css";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Bar } from "../frame.tsx";
import { SignInPage } from "../pages/sign-in.tsx";
import { Failure, Loading, Notices, Questions } from "../parts.tsx";
import { apiUrl, readAnswer, restore, session } from "../session.ts";
import { useCell } from "../store.ts";
import { chaptersOf, type Document, type Operation } from "./document.ts";
import { OperationCard } from "./operation.tsx";
import { words } from "./schema.tsx";

function App() {
  const client = useCell(session);
  const [description, setDescription] = useState<Document>();
  const [error, setError] = useState<unknown>();
  const load = () => {
    setError(undefined);
    readAnswer<Document>("/openapi.json").then(({ body }) => setDescription(body), setError);
  };
  useEffect(() => {
    if (client) load();
  }, [client]);
  // The browser looked for the place that the address names before it was there.
  useEffect(() => {
    if (description) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, [description]);
  if (!client) return <SignInPage />;
  return (
    <div class="frame">
      <Bar here="docs">
        <nav aria-label="Pages">
          <a href="./#/">Dashboard</a>
          <a href="docs" aria-current="page">
            API
          </a>
        </nav>
      </Bar>
      <main id="main" class="docs" tabIndex={-1}>
        {error !== undefined && <Failure error={error} retry={load} />}
        {!description && error === undefined && <Loading lines={12} />}
        {description && <Reference description={description} />}
      </main>
      <Notices />
      <Questions />
    </div>
  );
}

function Reference({ description }: { description: Document }) {
  const [sought, setSought] = useState("");
  const chapters = chaptersOf(description)
    .map((chapter) => ({ ...chapter, operations: chapter.operations.filter(meets(sought)) }))
    .filter(({ operations }) => operations.length > 0);
  return (
    <>
      <aside>
        <input
          type="search"
          aria-label="Find an operation"
          placeholder="Find an operation"
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
        <nav aria-label="Operations">
          {chapters.map(({ name, operations }) => (
            <div key={name}>
              <strong>{name}</strong>
              <ul>
                {operations.map(({ operationId, method, path }) => (
                  <li key={operationId}>
                    <a href={`#${operationId}`}>
                      <span class={`method ${method}`}>{SHORT[method] ?? method.toUpperCase()}</span>
                      <span>{path}</span>
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </nav>
      </aside>
      <div class="chapters">
        <div>
          <h1>API reference</h1>
          <p class="lead">{description.info.summary}</p>
          <p>
            It answers at <code>{apiUrl}</code>. Programs send{" "}
            <code>Authorization: Bearer &lt;API key&gt;</code>; this page uses your session.{" "}
            {words(description.info.description)} The same for machines:{" "}
            <a href="openapi.json">openapi.json</a>, OpenAPI 3.1.
          </p>
        </div>
        {chapters.length === 0 && <p class="muted">No operation is called that.</p>}
        {chapters.map(({ name, description: about, operations }) => (
          <section key={name} class="chapter" aria-label={name}>
            <h2>{name}</h2>
            <p class="muted">{about}</p>
            {operations.map((operation) => (
              <OperationCard key={operation.operationId} document={description} operation={operation} />
            ))}
          </section>
        ))}
      </div>
    </>
  );
}

const SHORT: Readonly<Record<string, string>> = { delete: "DEL" };

const meets = (sought: string) => {
  const words = sought.toLowerCase().split(/\s+/);
  return ({ method, path, summary, operationId }: Operation) => {
    const text = `${method} ${path} ${summary} ${operationId}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
};

document.title = "API · Tickwork";
restore();
const root = document.getElementById("app");
if (root) render(<App />, root);
