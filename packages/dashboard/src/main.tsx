import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Bar } from "./frame.tsx";
import { isResting } from "./live.ts";
import { AccessPage } from "./pages/access.tsx";
import { AuditPage } from "./pages/audit.tsx";
import { OperatorPage } from "./pages/operator.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SchedulePage, SchedulesPage } from "./pages/schedules.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { TaskPage } from "./pages/task.tsx";
import { TasksPage } from "./pages/tasks.tsx";
import { TypePage, TypesPage } from "./pages/types.tsx";
import { Empty, Notices, Questions } from "./parts.tsx";
import { linkTo, type Route, useRoute } from "./router.ts";
import { restore, session } from "./session.ts";
import { useCell } from "./store.ts";

/** Those in the bar; the menu has the others. */
const PAGES = [
  ["", "Overview"],
  ["tasks", "Tasks"],
  ["schedules", "Schedules"],
  ["types", "Types"],
  ["operator", "Operator"],
] as const;
const TITLES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(PAGES),
  access: "Access keys",
  audit: "Audit log",
};

function App() {
  const route = useRoute();
  const client = useCell(session);
  const resting = useCell(isResting);
  const [page = "", id] = route.path;
  const main = useRef<HTMLElement>(null);
  const place = route.path.join("/");
  const isFirst = useRef(true);
  useEffect(() => {
    const title = id ? `${page === "tasks" ? "Task " : ""}${id}` : TITLES[page];
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
      <Bar here={`./#/${page}`}>
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
      </Bar>
      <main ref={main} id="main" tabIndex={-1}>
        <Page {...route} />
      </main>
      <Notices />
      <Questions />
    </div>
  );
}

function Page({ path: [page = "", id], query }: Route) {
  switch (page) {
    case "":
      return <OverviewPage />;
    case "tasks":
      return id ? <TaskPage key={id} id={id} /> : <TasksPage query={query} />;
    case "types":
      return id ? <TypePage key={id} type={id} /> : <TypesPage query={query} />;
    case "schedules":
      return id ? <SchedulePage key={id} name={id} query={query} /> : <SchedulesPage query={query} />;
    case "operator":
      return <OperatorPage />;
    case "access":
      return <AccessPage />;
    case "audit":
      return <AuditPage query={query} />;
    default:
      return (
        <Empty isPage title="There is no such page">
          <a href="#/">Back to the overview</a>
        </Empty>
      );
  }
}

restore();
const root = document.getElementById("app");
if (root) render(<App />, root);
