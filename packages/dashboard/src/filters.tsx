/** The form above the list of tasks. What it says is in the address. */
import type { TaskSort } from "#client";
import { type Filter, FLAGS, isLooked, LINES, ordersOf, STATUSES, TIMES } from "./filter.ts";
import { fullTime, localInput } from "./format.ts";
import { Button, statusLabel } from "./parts.tsx";
import { go, linkTo } from "./router.ts";

const SAYS = {
  queue: "Queue",
  concurrency_key: "Key",
  created_from: "Created from",
  created_to: "Created before",
  scheduled_from: "Due from",
  scheduled_to: "Due before",
  dead: "No attempts left",
  waiting_for_code: "Waits for code",
} as const;

const HOUR_MS = 3_600_000;

/** An order is kept where the tasks of the status have it, too. */
const kept = (status: Filter["status"], sort: TaskSort) =>
  sort !== "-created" && ordersOf(status).some(([one]) => one === sort) ? sort : undefined;

export function Filters({ filter, sort }: { filter: Filter; sort: TaskSort }) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "").trim() || undefined;
    const next: Filter = { ...filter, type: text("type"), text: text("text") };
    for (const name of LINES) next[name] = text(name);
    for (const name of FLAGS) next[name] = form.has(name) ? "true" : undefined;
    for (const name of TIMES) {
      const time = text(name);
      next[name] = time && new Date(time).toISOString();
    }
    // What no task can be at once is not asked for.
    if (next.dead) next.status = "Error";
    if (next.waiting_for_code) next.status = "Not started";
    go(["tasks"], { ...next, sort: kept(next.status, sort) });
  };
  const linked = (next: Filter) => linkTo(["tasks"], { ...next, sort: kept(next.status, sort) });
  const more = [...LINES, ...TIMES, ...FLAGS].filter((name) => filter[name] !== undefined);
  return (
    <>
      <div class="filters">
        <nav class="segments" aria-label="Status">
          {STATUSES.map((status) => (
            <a
              key={status ?? ""}
              href={linked({ ...filter, status, dead: undefined, waiting_for_code: undefined })}
              aria-current={status === filter.status ? "true" : undefined}
            >
              {status ? statusLabel(status) : "All"}
            </a>
          ))}
        </nav>
        <search>
          <form class="search" onSubmit={submit} key={JSON.stringify(filter)}>
            <input name="type" aria-label="Type" placeholder="Type" defaultValue={filter.type ?? ""} />
            <input
              name="text"
              type="search"
              aria-label="Text in data, result or error"
              placeholder="Text in data, result…"
              maxLength={255}
              defaultValue={filter.text ?? ""}
            />
            <button type="button" class="button" popovertarget="more-filters">
              Filters…
            </button>
            <button class="button" type="submit">
              Search
            </button>
            <MoreFilters filter={filter} />
          </form>
        </search>
      </div>
      {(filter.type || isLooked(filter)) && (
        <p class="active-filters">
          {more.map((name) => (
            <a key={name} class="chip" href={linked({ ...filter, [name]: undefined })} title="Without this">
              {SAYS[name]} {textOf(name, filter)} ×
            </a>
          ))}
          <a href={linked({ status: filter.status })}>Clear all</a>
        </p>
      )}
    </>
  );
}

function textOf(name: keyof typeof SAYS, filter: Filter): string {
  if (name === "dead" || name === "waiting_for_code") return "";
  const value = filter[name] ?? "";
  return name === "queue" || name === "concurrency_key" ? value : fullTime(value);
}

/** In which order they are listed. */
export function Orders({ filter, sort }: { filter: Filter; sort: TaskSort }) {
  return (
    <nav class="segments order" aria-label="Order">
      {ordersOf(filter.status).map(([one, label]) => (
        <a
          key={one}
          href={linkTo(["tasks"], { ...filter, sort: kept(filter.status, one) })}
          aria-current={one === sort ? "true" : undefined}
        >
          {label}
        </a>
      ))}
    </nav>
  );
}

function MoreFilters({ filter }: { filter: Filter }) {
  return (
    <div id="more-filters" popover="auto" class="menu more-filters">
      <div class="pair even">
        {LINES.map((name) => (
          <label key={name} class="field">
            {SAYS[name]}
            <input name={name} maxLength={255} autocomplete="off" defaultValue={filter[name] ?? ""} />
          </label>
        ))}
      </div>
      <div class="pair">
        {TIMES.map((name) => (
          <label key={name} class="field">
            {SAYS[name]}
            <input
              type="datetime-local"
              step="1"
              name={name}
              defaultValue={filter[name] ? localInput(new Date(filter[name])) : ""}
            />
          </label>
        ))}
      </div>
      <p class="muted small">In the time of this browser.</p>
      <div class="buttons">
        {[1, 24].map((hours) => (
          <Button
            key={hours}
            onClick={() => {
              document.getElementById("more-filters")?.hidePopover();
              go(["tasks"], { ...filter, created_from: hoursAgo(hours), created_to: undefined });
            }}
          >
            {hours === 1 ? "Created in the last hour" : `In the last ${hours} hours`}
          </Button>
        ))}
      </div>
      <fieldset class="choices">
        <legend>Only those</legend>
        <label>
          <input type="checkbox" name="dead" defaultChecked={filter.dead === "true"} />
          that failed and have no attempts left
        </label>
        <label>
          <input
            type="checkbox"
            name="waiting_for_code"
            defaultChecked={filter.waiting_for_code === "true"}
          />
          that are due and wait for code
        </label>
      </fieldset>
      <button type="submit" class="button main">
        Search
      </button>
    </div>
  );
}

const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString();
