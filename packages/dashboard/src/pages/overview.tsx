import { useState } from "preact/hooks";
import type { Health, Overview, Task, TaskStatus } from "#client";
import { Bars } from "../charts.tsx";
import { clockTime, countOf, durationOf, listOf, numberOf, plural } from "../format.ts";
import { useLive } from "../live.ts";
import { Card, Empty, Failure, Loading, now, Progress, statusLabel, statusName, Time } from "../parts.tsx";
import { linkTo } from "../router.ts";
import { useCell } from "../store.ts";
import { errorMessageOf, pausedOf } from "../story.ts";

const STATUSES: TaskStatus[] = ["Running", "Not started", "Error", "Completed"];
const SPANS = [
  [60, "1 hour"],
  [180, "3 hours"],
  [1_440, "24 hours"],
] as const;

export function OverviewPage() {
  const [minutes, setMinutes] = useState(180);
  const { data, error, reload } = useLive(`overview ${minutes}`, async (client, signal) => {
    const [overview, health, running, failed] = await Promise.all([
      client.overview({ minutes, signal }),
      client.health({ signal }),
      client.listPage({ status: "Running", limit: 20 }, { signal }),
      client.listPage({ status: "Error", limit: 5 }, { signal }),
    ]);
    return { overview, health, running: running.tasks, failed: failed.tasks };
  });
  return (
    <>
      <h1>Overview</h1>
      {error !== undefined && <Failure error={error} retry={reload} />}
      {data ? (
        <Shown {...data} minutes={minutes} setMinutes={setMinutes} />
      ) : (
        error === undefined && <Loading lines={8} />
      )}
    </>
  );
}

interface ShownProps {
  overview: Overview;
  health: Health;
  running: Task[];
  failed: Task[];
  minutes: number;
  setMinutes(minutes: number): void;
}

function Shown({ overview, health, running, failed, minutes, setMinutes }: ShownProps) {
  const { stats } = health;
  return (
    <div class="overview">
      {stats.error && (
        <p class="banner failed" role="alert">
          <strong>Something needs attention:</strong> {stats.error}.
        </p>
      )}
      {stats.waitingForCode !== undefined && (
        <p class="banner">
          {plural(stats.waitingForCode, "task")} {stats.waitingForCode === 1 ? "waits" : "wait"} for code that
          nobody here has. <a href="#/types">See the types</a>
        </p>
      )}
      {stats.paused !== undefined && stats.paused.length > 0 && (
        <p class="banner">
          {listOf(stats.paused.map(pausedOf))} {stats.paused.length === 1 ? "is" : "are"} paused: what waits
          of it does not start. <a href="#/operator">See why</a>
        </p>
      )}
      <ul class="tiles" aria-label="Tasks by status">
        {STATUSES.map((status) => (
          <li key={status}>
            <a class={`tile ${statusName(status)}`} href={linkTo(["tasks"], { status })}>
              <span class="tile-label">
                <span class="dot" aria-hidden="true" />
                {statusLabel(status)}
              </span>
              <span class="tile-count">{countOf(overview.counts[status])}</span>
            </a>
          </li>
        ))}
      </ul>
      <div class="columns">
        <Card title="Running now" aside={<FlagHolder overview={overview} running={running} />}>
          {running.length === 0 ? (
            <Empty title="Nothing runs">{nextOf(overview)}</Empty>
          ) : (
            <ul class="rows">
              {running.map((task) => (
                <RunningTask key={task.id} task={task} />
              ))}
            </ul>
          )}
        </Card>
        <Card title="Failed last" aside={<a href={linkTo(["tasks"], { status: "Error" })}>All failed</a>}>
          {failed.length === 0 ? (
            <Empty title="Nothing has failed">Tasks that end in an error appear here.</Empty>
          ) : (
            <ul class="rows">
              {failed.map((task) => (
                <li key={task.id}>
                  <a class="row" href={linkTo(["tasks", task.id])}>
                    <span class="row-main">
                      <strong>{task.type}</strong> <span class="muted">#{task.id}</span>
                    </span>
                    <span class="muted">
                      <Time at={task.finished_at} />
                    </span>
                    <span class="row-more ellipsis">{errorMessageOf(task)}</span>
                  </a>
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
      <Finished overview={overview} minutes={minutes} setMinutes={setMinutes} />
      <div class="columns">
        <Upcoming overview={overview} />
        <Card title="State">
          <dl class="facts">
            <dt>Health</dt>
            <dd>{health.healthy ? "Everything answers" : (stats.error ?? "Needs attention")}</dd>
            <dt>Last refresh</dt>
            <dd>
              <Time at={stats.lastRefreshed} none="Not yet" />, every {durationOf(stats.refreshInterval)}
            </dd>
            <dt>Cached</dt>
            <dd>
              {plural(stats.cachedTasksCount, "task")} of the next {stats.taskTimeWindow}
            </dd>
            <dt>Postgres answered</dt>
            <dd>
              <Time at={health.last.postgres} none="Not yet" />
            </dd>
            <dt>Redis answered</dt>
            <dd>
              <Time at={health.last.redis} none="Not used" />
            </dd>
          </dl>
        </Card>
      </div>
    </div>
  );
}

function nextOf({ upcoming }: Overview): string {
  if (upcoming.overdue > 0) return `${plural(upcoming.overdue, "task")} due, and about to start.`;
  const first = upcoming.buckets.findIndex((count) => count > 0);
  return first < 0
    ? "Nothing is due in the next four hours."
    : `The next task is due within ${durationOf((first + 1) * upcoming.bucket_seconds * 1000)}.`;
}

function FlagHolder({ overview, running }: { overview: Overview; running: Task[] }) {
  const { held_by } = overview.flag;
  const [first] = running;
  const text =
    held_by === "operator"
      ? "Flag held by the operator"
      : first && running.length === 1
        ? `Flag held for #${first.id}`
        : held_by
          ? "Flag held by a tick"
          : "Flag free";
  return <span class={`chip ${held_by ?? ""}`}>{text}</span>;
}

function RunningTask({ task }: { task: Task }) {
  const nowMs = useCell(now);
  const ranMs = task.started_at ? Math.max(0, nowMs - Date.parse(task.started_at)) : 0;
  const left =
    task.progress && task.progress > 0.02 ? (ranMs / task.progress) * (1 - task.progress) : undefined;
  return (
    <li>
      <a class="row" href={linkTo(["tasks", task.id])}>
        <span class="row-main">
          <strong>{task.type}</strong> <span class="muted">#{task.id}</span>
        </span>
        <span class="muted">
          {durationOf(ranMs)}
          {left !== undefined && `, about ${durationOf(left)} left`}
        </span>
        <span class="row-more">
          <Progress task={task} />
        </span>
      </a>
    </li>
  );
}

function Finished({
  overview,
  minutes,
  setMinutes,
}: {
  overview: Overview;
  minutes: number;
  setMinutes(minutes: number): void;
}) {
  const { bucket_seconds, buckets, counted_since } = overview.finished;
  const endMs = Date.parse(overview.now);
  const startOf = (n: number) => endMs - (buckets.length - n) * bucket_seconds * 1000;
  const sum = (name: "completed" | "failed" | "late") => buckets.reduce((total, one) => total + one[name], 0);
  const latest = Math.max(0, ...buckets.map(({ latest_ms }) => latest_ms));
  const rate = ((sum("completed") + sum("failed")) / minutes).toFixed(1);
  const edges = { left: clockTime(startOf(0)), right: "now" };
  return (
    <Card
      title="The last hours"
      aside={
        <fieldset class="segments" aria-label="How far back">
          {SPANS.map(([value, label]) => (
            <button
              key={value}
              type="button"
              aria-pressed={value === minutes}
              onClick={() => setMinutes(value)}
            >
              {label}
            </button>
          ))}
        </fieldset>
      }
    >
      <div class="charts">
        <div>
          <h3>
            Ended <span class="muted">{rate} a minute</span>
          </h3>
          <Bars
            {...edges}
            summary={`${numberOf(sum("completed"))} completed, ${numberOf(sum("failed"))} failed`}
            bars={buckets.map(({ completed, failed }, n) => ({
              title: `${clockTime(startOf(n))}: ${completed} completed, ${failed} failed`,
              parts: [
                { value: failed, name: "failed" },
                { value: completed, name: "completed" },
              ],
            }))}
          />
        </div>
        <div>
          <h3>
            Started late <span class="muted">at most by {durationOf(latest)}</span>
          </h3>
          <Bars
            {...edges}
            summary={
              sum("late") === 0
                ? "None by more than a second"
                : `${plural(sum("late"), "task")} by more than a second`
            }
            bars={buckets.map(({ late, latest_ms }, n) => ({
              title: `${clockTime(startOf(n))}: ${late} late, at most by ${durationOf(latest_ms)}`,
              parts: [{ value: latest_ms, name: "late" }],
            }))}
          />
        </div>
      </div>
      {counted_since && (
        <p class="muted small">
          Only what ended since {clockTime(Date.parse(counted_since))} was counted in full: before that there
          was too much.
        </p>
      )}
    </Card>
  );
}

function Upcoming({ overview }: { overview: Overview }) {
  const { bucket_seconds, buckets, overdue, cut } = overview.upcoming;
  const startMs = Date.parse(overview.now);
  const startOf = (n: number) => startMs + n * bucket_seconds * 1000;
  const total = buckets.reduce((sum, count) => sum + count, 0);
  return (
    <Card
      title="The next four hours"
      aside={overdue > 0 ? <span class="chip">{plural(overdue, "task")} due now</span> : undefined}
    >
      <Bars
        left="now"
        right={clockTime(startOf(buckets.length))}
        summary={total === 0 ? "Nothing is due" : `${plural(total, "task")}${cut ? " and more" : ""}`}
        bars={buckets.map((count, n) => ({
          title: `${clockTime(startOf(n))}: ${plural(count, "task")}`,
          parts: [{ value: count, name: "waiting" }],
        }))}
      />
    </Card>
  );
}
