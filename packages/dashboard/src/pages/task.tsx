import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { type Client, type Task, type TaskErrorData, TickworkApiError } from "#client";
import { DueField } from "../due-field.tsx";
import { fullTime } from "../format.ts";
import { useLive } from "../live.ts";
import {
  ask,
  Button,
  Card,
  copy,
  Empty,
  Failure,
  Json,
  Loading,
  now,
  Progress,
  Status,
  Time,
  tell,
} from "../parts.tsx";
import { go, linkTo } from "../router.ts";
import { may, session } from "../session.ts";
import { curlOf, typeScriptOf } from "../snippets.ts";
import { useCell } from "../store.ts";
import { standingOf, storyOf, whyLate } from "../story.ts";

export function TaskPage({ id }: { id: string }) {
  const {
    data: task,
    error,
    reload,
  } = useLive(`task ${id}`, (client, signal) => client.get(Number(id), { signal }));
  const isGone = error instanceof TickworkApiError && error.code === "task_not_found";
  return (
    <>
      <nav class="crumbs" aria-label="Where this is">
        <a href="#/tasks">Tasks</a>
        {task && <a href={linkTo(["tasks"], { type: task.type })}>{task.type}</a>}
      </nav>
      {isGone ? (
        <Empty isPage title={`There is no task ${id}`}>
          It was deleted, or never existed. <a href="#/tasks">Show all tasks</a>
        </Empty>
      ) : (
        <>
          {error !== undefined && <Failure error={error} retry={reload} />}
          {task ? <Shown task={task} reload={reload} /> : error === undefined && <Loading lines={8} />}
        </>
      )}
    </>
  );
}

function Shown({ task, reload }: { task: Task; reload(): void }) {
  const nowMs = useCell(now);
  const late = whyLate(task);
  const { stack, ...error } = Object(task.error_data) as Partial<TaskErrorData>;
  return (
    <>
      <div class="head">
        <h1>
          {task.type} <span class="muted">#{task.id}</span>
        </h1>
        <Status status={task.task_status} />
      </div>
      <p class="lead">
        {standingOf(task, nowMs)} {late}
        {task.lateness?.task && (
          <>
            {" "}
            <a href={linkTo(["tasks", task.lateness.task])}>See that task</a>
          </>
        )}
      </p>
      {task.task_status === "Running" && <Progress task={task} />}
      {may("write") && <Actions task={task} reload={reload} />}
      <div class="columns wide-left">
        <div class="stack">
          {task.task_status === "Error" && (
            <Card title="Error" class="failed">
              <p class="error-text strong">{error.message ?? ""}</p>
              {stack ? <Json value={stack} label="Stack" /> : <Json value={task.error_data} label="Error" />}
            </Card>
          )}
          {task.task_status === "Completed" && (
            <Card title="Result">
              <Json value={task.result_data} label="Result" />
            </Card>
          )}
          <Card
            title="Data"
            aside={
              <div class="buttons">
                <Button onClick={() => copy(curlOf(task), "a curl command that creates this task")}>
                  Copy as curl
                </Button>
                <Button onClick={() => copy(typeScriptOf(task), "TypeScript that creates this task")}>
                  Copy as TypeScript
                </Button>
              </div>
            }
          >
            <Json value={task.task_data} label="Data" />
          </Card>
        </div>
        <div class="stack">
          <Card title="Story">
            <ol class="story">
              {storyOf(task, nowMs).map(({ at, kind, title, detail }) => (
                <li key={`${title} ${at}`} class={kind}>
                  <strong>{title}</strong>
                  <span class="muted">
                    <Time at={at} />
                    <span class="exact"> {fullTime(at)}</span>
                  </span>
                  {detail && <p>{detail}</p>}
                </li>
              ))}
            </ol>
          </Card>
          <Card title="Facts">
            <Facts task={task} />
          </Card>
        </div>
      </div>
    </>
  );
}

function Facts({ task }: { task: Task }) {
  const facts: [string, ComponentChildren][] = [
    ["Schedule", task.schedule && <a href={linkTo(["schedules", task.schedule])}>{task.schedule}</a>],
    ["Queue", task.queue !== null && <a href={linkTo(["tasks"], { queue: task.queue })}>{task.queue}</a>],
    [
      "Key",
      task.concurrency_key !== null && (
        <a href={linkTo(["tasks"], { concurrency_key: task.concurrency_key })}>{task.concurrency_key}</a>
      ),
    ],
    ["Priority", task.priority || null],
    ["Due", fullTime(task.scheduled_time)],
    ["Attempts", `${task.attempts}${task.max_attempts === null ? "" : ` of ${task.max_attempts}`}`],
    ["Workers that died", task.crashes || null],
    ["Attachment", task.attachment_id],
    ["Changed by", task.userUpdated_Id],
    ["Lease until", task.lease_expires_at && fullTime(task.lease_expires_at)],
    ["Slot", task.slot],
    ["Revision", task.rev],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== null && value !== false)
        .map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}
    </dl>
  );
}

function Actions({ task, reload }: { task: Task; reload(): void }) {
  const { id, task_status } = task;
  const time = useRef<HTMLInputElement>(null);
  const change = async (what: string, act: (client: Client) => Promise<unknown>) => {
    const client = session.get();
    if (!client) return;
    await act(client);
    tell(`Task ${id} ${what}`);
    reload();
  };
  const retry = () => change("runs again", (client) => client.retry(id));
  const runNow = () => change("is due now", (client) => client.update(id, { scheduled_time: new Date() }));
  const cancel = () =>
    ask({
      title: `Cancel task ${id}?`,
      body:
        task_status === "Running"
          ? "Its handler is asked to stop. It ends in Error when it does."
          : "It ends in Error without having run. You can retry it later.",
      act: "Cancel the task",
      kind: "danger",
      onAct: () =>
        change(task_status === "Running" ? "was asked to stop" : "was cancelled", (client) =>
          client.cancel(id),
        ),
    });
  const remove = () =>
    ask({
      title: `Delete task ${id}?`,
      body: "It is gone for good, with its data, result and story.",
      act: "Delete the task",
      kind: "danger",
      onAct: async () => {
        await session.get()?.remove(id);
        tell(`Task ${id} was deleted`);
        go(["tasks"]);
      },
    });
  const reschedule = () =>
    ask({
      title: `Reschedule task ${id}`,
      body: <DueField input={time} from={new Date(Math.max(Date.now(), Date.parse(task.scheduled_time)))} />,
      act: "Reschedule",
      onAct: () => {
        const given = time.current?.value;
        if (!given) throw new Error("Give a date and a time.");
        return change("was rescheduled", (client) => client.update(id, { scheduled_time: new Date(given) }));
      },
    });
  const isWaiting = task_status === "Not started";
  const isRunning = task_status === "Running";
  return (
    <fieldset class="buttons actions" aria-label="Actions">
      {isWaiting && (
        <Button kind="main" onClick={runNow}>
          Run now
        </Button>
      )}
      {isWaiting && <Button onClick={reschedule}>Reschedule…</Button>}
      {!isWaiting && !isRunning && (
        <Button kind={task_status === "Error" ? "main" : "plain"} onClick={retry}>
          {task_status === "Error" ? "Retry" : "Run again"}
        </Button>
      )}
      {(isWaiting || isRunning) && (
        <Button onClick={cancel} disabled={task.cancel_requested}>
          Cancel…
        </Button>
      )}
      {!isRunning && <Button onClick={remove}>Delete…</Button>}
    </fieldset>
  );
}
