import { useState } from "preact/hooks";
import { type LastOccurrence, type Schedule, TickworkApiError } from "#client";
import { durationOf, fullTime } from "../format.ts";
import { useLive } from "../live.ts";
import { Card, Empty, Failure, Json, Loading, Status, Time } from "../parts.tsx";
import { linkTo } from "../router.ts";
import { ScheduleActions } from "../schedule-actions.tsx";
import { CATCH_UP, OVERLAP, ScheduleForm } from "../schedule-form.tsx";
import { may } from "../session.ts";

const PAGE = 50;

function Times({ cron, every_seconds, time_zone }: Pick<Schedule, "cron" | "every_seconds" | "time_zone">) {
  if (cron === null)
    return <span>every {EVERY[every_seconds ?? 0] ?? durationOf((every_seconds ?? 0) * 1000)}</span>;
  return (
    <span>
      <code>{cron}</code> <span class="muted">{time_zone}</span>
    </span>
  );
}

const EVERY: Readonly<Record<number, string>> = { 1: "second", 60: "minute", 3600: "hour", 86400: "day" };

export function SchedulesPage({ query }: { query: URLSearchParams }) {
  const isNew = query.get("new") === "true" && may("write");
  return isNew ? <NewSchedule /> : <List cursor={query.get("cursor") ?? undefined} />;
}

function NewSchedule() {
  return (
    <>
      <nav class="crumbs" aria-label="Where this is">
        <a href="#/schedules">Schedules</a>
      </nav>
      <h1>New schedule</h1>
      <ScheduleForm />
    </>
  );
}

function List({ cursor }: { cursor: string | undefined }) {
  const { data, error, reload } = useLive(`schedules ${cursor}`, (client, signal) =>
    client.schedules.listPage({ limit: PAGE, cursor }, { signal }),
  );
  return (
    <>
      <div class="head">
        <h1>Schedules</h1>
        {may("write") && (
          <a class="button main" href={linkTo(["schedules"], { new: "true" })}>
            New schedule
          </a>
        )}
      </div>
      <p class="lead">
        What recurs by itself. Code declares it with <code>defineSchedule</code>; people make it here, and
        programs <a href="docs#putSchedule">over HTTP</a>.
      </p>
      {error !== undefined && <Failure error={error} retry={reload} />}
      {!data && error === undefined && <Loading lines={6} />}
      {data?.schedules.length === 0 && (
        <Empty title="Nothing recurs yet">
          {may("write") && (
            <>
              <a href={linkTo(["schedules"], { new: "true" })}>Make the first one</a>, or export one from{" "}
              <code>tasks.ts</code>.
            </>
          )}
          {!may("write") && "What code declares, or somebody makes, appears here."}
        </Empty>
      )}
      {data && data.schedules.length > 0 && (
        <table class="table schedules">
          <caption class="hidden">Schedules, by name</caption>
          <thead>
            <tr>
              <th scope="col">Schedule</th>
              <th scope="col">Comes</th>
              <th scope="col">Next</th>
              <th scope="col">Last</th>
            </tr>
          </thead>
          <tbody>
            {data.schedules.map((one) => (
              <tr key={one.name}>
                <th scope="row">
                  <a href={linkTo(["schedules", one.name])}>{one.name}</a>
                  <span class="under muted">{one.type}</span>
                </th>
                <td data-label="Comes">
                  <Times {...one} />
                </td>
                <td data-label="Next">
                  <Next schedule={one} />
                </td>
                <td data-label="Last">
                  <Last last={one.last} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <nav class="pager" aria-label="Pages of schedules">
        {cursor && (
          <a class="button" href="#/schedules">
            First
          </a>
        )}
        {data?.next_cursor && (
          <a class="button" href={linkTo(["schedules"], { cursor: data.next_cursor })}>
            More
          </a>
        )}
      </nav>
    </>
  );
}

function Next({ schedule: { paused, next_times } }: { schedule: Schedule }) {
  if (paused) return <span class="chip late">Paused</span>;
  return <Time at={next_times[0]} none="never again" />;
}

function Last({ last }: { last: LastOccurrence | null }) {
  if (!last) return <span class="muted">None yet</span>;
  return (
    <a class="outcome" href={linkTo(["tasks", last.task])}>
      <Status status={last.task_status} />{" "}
      <Time at={last.finished_at ?? last.started_at ?? last.schedule_time} />
    </a>
  );
}

export function SchedulePage({ name, query }: { name: string; query: URLSearchParams }) {
  const {
    data: schedule,
    error,
    reload,
  } = useLive(`schedule ${name}`, (client, signal) => client.schedules.get(name, { signal }));
  const isGone = error instanceof TickworkApiError && error.code === "schedule_not_found";
  return (
    <>
      <nav class="crumbs" aria-label="Where this is">
        <a href="#/schedules">Schedules</a>
      </nav>
      {isGone ? (
        <Empty isPage title={`There is no schedule ${name}`}>
          It was deleted, or never existed. <a href="#/schedules">Show all schedules</a>
        </Empty>
      ) : (
        <>
          {error !== undefined && <Failure error={error} retry={reload} />}
          {schedule && query.get("edit") === "true" && schedule.source === "api" && may("write") ? (
            <>
              <h1>{name}</h1>
              <Editing first={schedule} />
            </>
          ) : schedule ? (
            <Shown schedule={schedule} reload={reload} />
          ) : (
            error === undefined && <Loading lines={8} />
          )}
        </>
      )}
    </>
  );
}

/** What changes meanwhile does not change under the hands of whoever edits. */
function Editing({ first }: { first: Schedule }) {
  const [schedule] = useState(first);
  return <ScheduleForm schedule={schedule} />;
}

function Shown({ schedule, reload }: { schedule: Schedule; reload(): void }) {
  return (
    <>
      <div class="head">
        <h1>{schedule.name}</h1>
        <span class="chip">{schedule.source === "code" ? "Declared in code" : "Made over HTTP"}</span>
      </div>
      <p class="lead">
        {schedule.paused ? (
          "It is paused: nothing comes until it is resumed, and what it misses is not caught up."
        ) : schedule.next_times[0] ? (
          <>
            Its next task is due <Time at={schedule.next_times[0]} />.
          </>
        ) : (
          "It will not come again."
        )}
      </p>
      {may("write") && <ScheduleActions schedule={schedule} reload={reload} />}
      <div class="columns wide-left">
        <div class="stack">
          <Card title="Next times" aside={<span class="muted">in the time of this browser</span>}>
            {schedule.next_times.length === 0 ? (
              <p class="muted">None</p>
            ) : (
              <ol class="times">
                {schedule.next_times.map((time) => (
                  <li key={time}>
                    {fullTime(time)}
                    <span class="muted">
                      <Time at={time} />
                    </span>
                  </li>
                ))}
              </ol>
            )}
          </Card>
          <Card title="Data of each task">
            <Json value={schedule.task_data} label="Data" />
          </Card>
        </div>
        <Card title="Facts">
          <dl class="facts">
            <dt>Type</dt>
            <dd>
              <a href={linkTo(["types", schedule.type])}>{schedule.type}</a>
            </dd>
            <dt>Comes</dt>
            <dd>
              <Times {...schedule} />
            </dd>
            <dt>Last</dt>
            <dd>
              <Last last={schedule.last} />
            </dd>
            <dt>Missed</dt>
            <dd>{CATCH_UP[schedule.catch_up]}</dd>
            <dt>Overlap</dt>
            <dd>{OVERLAP[schedule.overlap]}</dd>
            <dt>Changed</dt>
            <dd>{fullTime(schedule.updated_at)}</dd>
          </dl>
        </Card>
      </div>
    </>
  );
}
