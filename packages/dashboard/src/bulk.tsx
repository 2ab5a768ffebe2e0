/** Retries or cancels several tasks: those that were chosen, or all that a filter finds. They are counted first. */
import { useState } from "preact/hooks";
import type { Client, Task, TaskStatus } from "#client";
import type { Filter } from "./filter.ts";
import { plural } from "./format.ts";
import { ask, Button, tell } from "./parts.tsx";
import { may, session } from "./session.ts";

/** Tasks that are counted, and changed, at a time. */
const MOST = 1_000;
const PAGE = 200;
/** Requests at a time. */
const AT_ONCE = 4;

interface Action {
  name: "retry" | "cancel";
  label: string;
  /** Those that it fits. */
  statuses: readonly TaskStatus[];
  says: string;
  run(client: Client, id: number): Promise<unknown>;
}

const ACTIONS: Action[] = [
  {
    name: "retry",
    label: "Retry",
    statuses: ["Error"],
    says: "Each starts anew, at once, with all of its attempts.",
    run: (client, id) => client.retry(id),
  },
  {
    name: "cancel",
    label: "Cancel",
    statuses: ["Not started", "Running"],
    says: "Those that wait end in Error without having run; those that run are asked to stop.",
    run: (client, id) => client.cancel(id),
  },
];

interface Props {
  filter: Filter;
  tasks: Task[];
  chosen: ReadonlySet<number>;
  onDone(): void;
}

export function AskBulk({ filter, tasks, chosen, onDone }: Props) {
  const [progress, setProgress] = useState("");
  const run = async ({ label, run }: Action, ids: readonly number[]) => {
    const client = session.get();
    if (!client) return;
    let done = 0;
    let refused = 0;
    const rest = [...ids];
    const next = async (): Promise<void> => {
      for (let id = rest.shift(); id !== undefined; id = rest.shift()) {
        await run(client, id).catch(() => refused++);
        setProgress(`${label}: ${++done} of ${ids.length}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    setProgress("");
    const changed = plural(ids.length - refused, "task");
    tell(
      refused > 0
        ? `${label}: ${changed}; ${refused} had changed meanwhile, or were refused`
        : `${label}: ${changed}`,
      refused > 0 ? "failed" : "done",
    );
    onDone();
  };
  const confirm = (action: Action, ids: readonly number[], more: boolean) => {
    if (ids.length === 0) return tell(`There is nothing to ${action.name}`, "failed");
    ask({
      title: `${action.label} ${more ? "the newest " : ""}${plural(ids.length, "task")}?`,
      body: (
        <>
          <p>{action.says}</p>
          {more && <p>There are more: do it again for the rest.</p>}
        </>
      ),
      act: `${action.label} ${plural(ids.length, "task")}`,
      kind: action.name === "cancel" ? "danger" : "main",
      onAct: () => run(action, ids),
    });
  };
  const ofFilter = async (action: Action) => {
    const client = session.get();
    if (!client) return;
    const ids: number[] = [];
    let more = false;
    for (const status of action.statuses.filter((one) => !filter.status || one === filter.status))
      for await (const { id } of client.list({ ...filter, status, pageSize: PAGE })) {
        if (ids.length === MOST) {
          more = true;
          break;
        }
        ids.push(id);
        if (ids.length % PAGE === 0) setProgress(`Counting: ${ids.length}`);
      }
    setProgress("");
    confirm(action, ids, more);
  };
  if (!may("write")) return null;
  const picked = tasks.filter(({ id }) => chosen.has(id));
  const fits = ({ statuses }: Action) => !filter.status || statuses.includes(filter.status);
  return (
    <div class="bulk">
      {picked.length > 0 ? (
        <>
          <span>{plural(picked.length, "task")} chosen</span>
          {ACTIONS.map((action) => {
            const ids = picked
              .filter(({ task_status }) => action.statuses.includes(task_status))
              .map(({ id }) => id);
            return (
              <Button
                key={action.name}
                disabled={ids.length === 0}
                onClick={() => confirm(action, ids, false)}
              >
                {action.label} {ids.length}
              </Button>
            );
          })}
        </>
      ) : (
        tasks.length > 0 &&
        ACTIONS.filter(fits).map((action) => (
          <Button key={action.name} onClick={() => ofFilter(action)}>
            {action.name === "retry" ? "Retry all failed…" : "Cancel all unfinished…"}
          </Button>
        ))
      )}
      <span class="muted" role="status">
        {progress}
      </span>
    </div>
  );
}
