import { useEffect, useState } from "preact/hooks";
import type { Task } from "#client";
import { AskBulk } from "../bulk.tsx";
import { dueFirst } from "../due-first.ts";
import { filterOf, isEmpty, isLooked, taskFilterOf } from "../filter.ts";
import { Filters } from "../filters.tsx";
import { durationOf, plural } from "../format.ts";
import { useLive } from "../live.ts";
import { Button, Empty, Failure, Loading, Progress, Status, Time } from "../parts.tsx";
import { go, linkTo } from "../router.ts";
import { may } from "../session.ts";
import { errorMessageOf } from "../story.ts";

const PAGE = 50;

export function TasksPage({ query }: { query: URLSearchParams }) {
  const filter = filterOf(query);
  const cursor = query.get("cursor") || undefined;
  // Only what waits, and all of it, is listed in this order.
  const mayBeDueFirst = filter.status === "Not started" && !filter.type && !isLooked(filter);
  const isDueFirst = mayBeDueFirst && query.get("order") === "due";
  const { data, error, isOld, reload } = useLive(`tasks ${query}`, (client, signal) =>
    isDueFirst
      ? dueFirst(PAGE, cursor)
      : client.listPage({ ...taskFilterOf(filter), cursor, limit: PAGE }, { signal }),
  );
  const pageAt = (next: string | undefined) =>
    go(["tasks"], { ...filter, order: isDueFirst ? "due" : undefined, cursor: next });
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  useEffect(() => setChosen(new Set()), [String(query)]);
  const tasks = data?.tasks ?? [];
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
      {mayBeDueFirst && <Order isDueFirst={isDueFirst} />}
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
            <NothingFound isFiltered={!isEmpty(filter)} hasMore={data.next_cursor !== null} />
          ) : (
            <List tasks={tasks} chosen={chosen} setChosen={setChosen} />
          )}
          <nav class="pager" aria-label="Pages of tasks">
            {cursor && <Button onClick={() => pageAt(undefined)}>{isDueFirst ? "First" : "Newest"}</Button>}
            {data.next_cursor && (
              <Button onClick={() => pageAt(data.next_cursor ?? undefined)}>
                {isDueFirst ? "Later" : isLooked(filter) ? "Search on in older tasks" : "Older"}
              </Button>
            )}
          </nav>
        </div>
      )}
    </>
  );
}

function Order({ isDueFirst }: { isDueFirst: boolean }) {
  return (
    <nav class="segments order" aria-label="Order">
      {[false, true].map((due) => (
        <a
          key={String(due)}
          href={linkTo(["tasks"], { status: "Not started", order: due ? "due" : undefined })}
          aria-current={due === isDueFirst ? "true" : undefined}
        >
          {due ? "Due first, of the next 4 hours" : "Newest first"}
        </a>
      ))}
    </nav>
  );
}

function NothingFound({ isFiltered, hasMore }: { isFiltered: boolean; hasMore: boolean }) {
  if (hasMore)
    return (
      <Empty title="Not among these">None of the newest 10,000 tasks is like that. Older ones may be.</Empty>
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
