import "./styles/index.css";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { isResting } from "./live.ts";
import { OperatorPage } from "./pages/operator.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { TaskPage } from "./pages/task.tsx";
import { TasksPage } from "./pages/tasks.tsx";
import { TypePage, TypesPage } from "./pages/types.tsx";
import { Empty, Notices, Questions } from "./parts.tsx";
import { linkTo, useRoute } from "./router.ts";
import { restore, session, signOut } from "./session.ts";
import { useCell } from "./store.ts";
import { ThemeButton } from "./theme.tsx";

const PAGES = [
  ["", "Overview"],
  ["tasks", "Tasks"],
  ["types", "Types"],
  ["operator", "Operator"],
] as const;

function App() {
  const { path, query } = useRoute();
  const client = useCell(session);
  const resting = useCell(isResting);
  const [page = "", id] = path;
  const main = useRef<HTMLElement>(null);
  const place = path.join("/");
  const isFirst = useRef(true);
  useEffect(() => {
    const title = id ? `${page === "tasks" ? "Task " : ""}${id}` : PAGES.find(([name]) => name === page)?.[1];
    document.title = client ? `${title ?? "Not found"} · Tickwork` : "Sign in · Tickwork";
    // Whoever hears the page is told that it is another one.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    scrollTo(0, 0);
  }, [place, client]);
  if (!client) return <SignInPage />;
  return (
    <div class="frame">
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a place in the page; the address says which page that is */}
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        To the content
      </a>
      <header class="bar">
        <a class="brand" href="#/">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M16 8.5V16l5.5 3.6" />
          </svg>
          Tickwork
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([name, label]) => (
            <a key={name} href={linkTo(name ? [name] : [])} aria-current={name === page ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <span
          class="live"
          title={resting ? "Nothing is asked until you touch the page." : "Kept up to date."}
        >
          <span class={`dot ${resting ? "" : "on"}`} aria-hidden="true" />
          {resting ? "Resting" : "Live"}
        </span>
        <ThemeButton />
        <button type="button" class="button quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main ref={main} id="main" tabIndex={-1}>
        {page === "" ? (
          <OverviewPage />
        ) : page === "tasks" && id ? (
          <TaskPage key={id} id={id} />
        ) : page === "tasks" ? (
          <TasksPage query={query} />
        ) : page === "types" && id ? (
          <TypePage key={id} type={id} />
        ) : page === "types" ? (
          <TypesPage query={query} />
        ) : page === "operator" ? (
          <OperatorPage />
        ) : (
          <Empty isPage title="There is no such page">
            <a href="#/">Back to the overview</a>
          </Empty>
        )}
      </main>
      <Notices />
      <Questions />
    </div>
  );
}

restore();
const root = document.getElementById("app");
if (root) render(<App />, root);
