import { useEffect, useState } from "preact/hooks";
import type { Task } from "#client";
import { AskBulk } from "../bulk.tsx";
import { filterOf, isEmpty, isLooked, sortOf, taskFilterOf } from "../filter.ts";
import { Filters, Orders } from "../filters.tsx";
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
  const sort = sortOf(query, filter);
  const isNewestFirst = sort === "-created";
  const { data, error, isOld, reload } = useLive(`tasks ${query}`, (client, signal) =>
    client.listPage({ ...taskFilterOf(filter), sort, cursor, limit: PAGE }, { signal }),
  );
  const isSearch = isLooked(filter) || (filter.type !== undefined && !sort.endsWith("created"));
  const pageAt = (next: string | undefined) =>
    go(["tasks"], { ...filter, sort: isNewestFirst ? undefined : sort, cursor: next });
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
      <Filters filter={filter} sort={sort} />
      <div class="above">
        {data && (
          <AskBulk
            filter={filter}
            tasks={tasks}
            chosen={chosen}
            onDone={() => {
              setChosen(new Set());
              reload();
            }}
          />
        )}
        <Orders filter={filter} sort={sort} />
      </div>
      {error !== undefined && <Failure error={error} retry={reload} />}
      {!data && error === undefined && <Loading lines={10} />}
      {data && (
        <div class={isOld ? "old" : ""} aria-busy={isOld}>
          {tasks.length === 0 ? (
            <NothingFound
              isFiltered={!isEmpty(filter)}
              hasMore={data.next_cursor !== null}
              isNewestFirst={isNewestFirst}
            />
          ) : (
            <List tasks={tasks} chosen={chosen} setChosen={setChosen} />
          )}
          <nav class="pager" aria-label="Pages of tasks">
            {cursor && (
              <Button onClick={() => pageAt(undefined)}>{isNewestFirst ? "Newest" : "First page"}</Button>
            )}
            {data.next_cursor && (
              <Button onClick={() => pageAt(data.next_cursor ?? undefined)}>
                {isSearch
                  ? isNewestFirst
                    ? "Search on in older tasks"
                    : "Search on"
                  : isNewestFirst
                    ? "Older"
                    : "Next page"}
              </Button>
            )}
          </nav>
        </div>
      )}
    </>
  );
}

function NothingFound({
  isFiltered,
  hasMore,
  isNewestFirst,
}: {
  isFiltered: boolean;
  hasMore: boolean;
  isNewestFirst: boolean;
}) {
  if (hasMore)
    return (
      <Empty title="Not among these">
        {isNewestFirst
          ? "None of the newest 10,000 tasks is like that. Older ones may be."
          : "None of the first 10,000 tasks is like that. Later ones may be."}
      </Empty>
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
      <caption class="hidden">{plural(tasks.length, "task")}</caption>
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
