import type { AuditAction, AuditEntry } from "#client";
import { useLive } from "../live.ts";
import { Empty, Failure, Loading, Time } from "../parts.tsx";
import { linkTo } from "../router.ts";
import { may } from "../session.ts";
import { AdminsOnly } from "./access.tsx";

const PAGE = 50;

const DID: Record<AuditAction, string> = {
  key_created: "made the key",
  key_deleted: "withdrew the key",
  running_set: "held the running flag",
  running_released: "released the running flags",
  refreshed: "refreshed the cache",
  stuck_reset: "ended the running tasks",
  task_deleted: "deleted the task",
  paused: "paused",
  resumed: "resumed",
  schedule_changed: "changed the schedule",
  schedule_deleted: "deleted the schedule",
  limit_set: "limited",
  limit_removed: "removed the limit of",
  bulk_asked: "changed many tasks, by task",
};

export function AuditPage({ query }: { query: URLSearchParams }) {
  const cursor = query.get("cursor") ?? undefined;
  const isAdmin = may("admin");
  const { data, error, reload } = useLive(`audit ${cursor}`, async (client, signal) =>
    isAdmin ? client.audit({ limit: PAGE, cursor }, { signal }) : undefined,
  );
  if (!isAdmin) return <AdminsOnly />;
  return (
    <>
      <h1>Audit log</h1>
      <p class="lead">
        Who changed what, the newest first. Who created a task, and changed it last, is in the task. The log
        keeps 10,000 entries, for up to a year.
      </p>
      {error !== undefined && <Failure error={error} retry={reload} />}
      {!data && error === undefined && <Loading lines={8} />}
      {data?.entries.length === 0 && (
        <Empty title="Nothing was changed yet">
          Keys, pauses, flags, refreshes, schedules and deleted tasks are noted here.
        </Empty>
      )}
      {data && data.entries.length > 0 && (
        <table class="table audit">
          <caption class="hidden">Changes, the newest first</caption>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">What</th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {data.entries.map((entry) => (
              <tr key={entry.id}>
                <th scope="row">
                  <Who entry={entry} />
                </th>
                <td>
                  {DID[entry.action] ?? entry.action.replaceAll("_", " ")}{" "}
                  {entry.subject && <strong>{entry.subject}</strong>}
                </td>
                <td class="muted">
                  <Time at={entry.at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <nav class="pager" aria-label="Pages of the log">
        {cursor && (
          <a class="button" href="#/audit">
            Newest
          </a>
        )}
        {data?.next_cursor && (
          <a class="button" href={linkTo(["audit"], { cursor: data.next_cursor })}>
            Older
          </a>
        )}
      </nav>
    </>
  );
}

/** The key is known; the user is what its holder said. */
function Who({ entry: { key_name, user_id } }: { entry: AuditEntry }) {
  return user_id ? (
    <>
      {user_id} <span class="muted">by {key_name}</span>
    </>
  ) : (
    key_name
  );
}
