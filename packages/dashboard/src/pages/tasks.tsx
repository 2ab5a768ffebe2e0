import { useEffect, useState } from "preact/hooks";
import type { Task, TaskStatus } from "#client";
import { AskBulk } from "../bulk.tsx";
import type { Filter } from "../filter.ts";
import { durationOf, plural } from "../format.ts";
import { useLive } from "../live.ts";
import { Button, Empty, Failure, Loading, Progress, Status, statusLabel, Time } from "../parts.tsx";
import { go, linkTo } from "../router.ts";
import { may } from "../session.ts";
import { errorMessageOf } from "../story.ts";

const STATUSES: (TaskStatus | undefined)[] = [undefined, "Not started", "Running", "Completed", "Error"];
const PAGE = 50;

const filterOf = (query: URLSearchParams): Filter => ({
  status: STATUSES.find((status) => status !== undefined && status === query.get("status")),
  type: query.get("type") || undefined,
  text: query.get("text") || undefined,
});

export function TasksPage({ query }: { query: URLSearchParams }) {
  const filter = filterOf(query);
  const cursor = query.get("cursor") || undefined;
  const { data, error, isOld, reload } = useLive(`tasks ${query}`, (client, signal) =>
    client.listPage({ ...filter, cursor, limit: PAGE }, { signal }),
  );
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  useEffect(() => setChosen(new Set()), [String(query)]);
  const tasks = data?.tasks ?? [];
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <div class="head">
        <h1>Tasks</h1>
        {may("write") && (
          <a class="button main" href="#/types">
            New task
          </a>
        )}
      </div>
      <Filters filter={filter} />
      {error !== undefined && <Failure error={error} retry={reload} />}
      {!data && error === undefined && <Loading lines={10} />}
      {data && (
        <div class={isOld ? "old" : ""} aria-busy={isOld}>
          <AskBulk
            filter={filter}
            tasks={tasks}
            chosen={chosen}
            onDone={() => {
              setChosen(new Set());
              reload();
            }}
          />
          {tasks.length === 0 ? (
            <NothingFound isFiltered={isFiltered} hasMore={data.next_cursor !== null} />
          ) : (
            <List tasks={tasks} chosen={chosen} setChosen={setChosen} />
          )}
          <nav class="pager" aria-label="Pages of tasks">
            {cursor && <Button onClick={() => go(["tasks"], { ...filter })}>Newest</Button>}
            {data.next_cursor && (
              <Button onClick={() => go(["tasks"], { ...filter, cursor: data.next_cursor ?? undefined })}>
                {filter.text ? "Search on in older tasks" : "Older"}
              </Button>
            )}
          </nav>
        </div>
      )}
    </>
  );
}

function NothingFound({ isFiltered, hasMore }: { isFiltered: boolean; hasMore: boolean }) {
  if (hasMore)
    return (
      <Empty title="Not among these">The newest 10,000 tasks do not have this text. Older ones may.</Empty>
    );
  return isFiltered ? (
    <Empty title="No task is like that">
      <a href="#/tasks">Show all tasks</a>
    </Empty>
  ) : (
    <Empty title="There are no tasks yet">
      <a href="#/types">Choose a type</a> to create the first one, or post it to the API.
    </Empty>
  );
}

function Filters({ filter }: { filter: Filter }) {
  const submit = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    go(["tasks"], {
      ...filter,
      type: String(form.get("type")).trim(),
      text: String(form.get("text")).trim(),
    });
  };
  return (
    <div class="filters">
      <nav class="segments" aria-label="Status">
        {STATUSES.map((status) => (
          <a
            key={status ?? ""}
            href={linkTo(["tasks"], { ...filter, status })}
            aria-current={status === filter.status ? "true" : undefined}
          >
            {status ? statusLabel(status) : "All"}
          </a>
        ))}
      </nav>
      <search>
        <form class="search" onSubmit={submit} key={`${filter.type} ${filter.text}`}>
          <input name="type" aria-label="Type" placeholder="Type" defaultValue={filter.type ?? ""} />
          <input
            name="text"
            type="search"
            aria-label="Text in data, result or error"
            placeholder="Text in data, result or error"
            maxLength={255}
            defaultValue={filter.text ?? ""}
          />
          <button class="button" type="submit">
            Search
          </button>
          {(filter.type || filter.text) && (
            <a class="button quiet" href={linkTo(["tasks"], { status: filter.status })}>
              Clear
            </a>
          )}
        </form>
      </search>
    </div>
  );
}

function List({
  tasks,
  chosen,
  setChosen,
}: {
  tasks: Task[];
  chosen: ReadonlySet<number>;
  setChosen(chosen: ReadonlySet<number>): void;
}) {
  const all = tasks.every(({ id }) => chosen.has(id));
  const toggle = (id: number) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <table class="table tasks">
      <caption class="hidden">{plural(tasks.length, "task")}, the newest first</caption>
      <thead>
        <tr>
          <th scope="col" class="pick">
            <input
              type="checkbox"
              aria-label="Choose all on this page"
              checked={all}
              onChange={() => setChosen(new Set(all ? [] : tasks.map(({ id }) => id)))}
            />
          </th>
          <th scope="col">Task</th>
          <th scope="col">Status</th>
          <th scope="col">When</th>
          <th scope="col" class="number">
            Took
          </th>
          <th scope="col">What</th>
        </tr>
      </thead>
      <tbody>
        {tasks.map((task) => (
          <tr key={task.id}>
            <td class="pick">
              <input
                type="checkbox"
                aria-label={`Choose task ${task.id}`}
                checked={chosen.has(task.id)}
                onChange={() => toggle(task.id)}
              />
            </td>
            <th scope="row">
              <a href={linkTo(["tasks", task.id])}>
                {task.type} <span class="muted">#{task.id}</span>
              </a>
            </th>
            <td>
              <Status status={task.task_status} />
            </td>
            <td class="when">
              <When task={task} />
            </td>
            <td class="number">{tookOf(task)}</td>
            <td class="what">
              <What task={task} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function When({ task }: { task: Task }) {
  if (task.task_status === "Not started") return <Time at={task.scheduled_time} />;
  return <Time at={task.task_status === "Running" ? task.started_at : task.finished_at} />;
}

const tookOf = ({ started_at, finished_at }: Task) =>
  started_at && finished_at ? durationOf(Date.parse(finished_at) - Date.parse(started_at)) : "–";

function What({ task }: { task: Task }) {
  if (task.task_status === "Running") return <Progress task={task} />;
  if (task.task_status === "Error") return <span class="ellipsis error-text">{errorMessageOf(task)}</span>;
  const value = task.task_status === "Completed" ? task.result_data : task.task_data;
  return value === null || value === undefined ? null : (
    <code class="ellipsis">{JSON.stringify(value).slice(0, 160)}</code>
  );
}
