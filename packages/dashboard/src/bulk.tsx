/** Does something to several tasks: those that were chosen, or all that a filter finds. They are counted first. */
import { useRef, useState } from "preact/hooks";
import type { BulkAction, BulkResult, Client, Task, TaskStatus } from "#client";
import { DueField } from "./due-field.tsx";
import { type Filter, isEmpty, taskFilterOf } from "./filter.ts";
import { numberOf, plural } from "./format.ts";
import { ask, Button, tell } from "./parts.tsx";
import { linkTo } from "./router.ts";
import { may, messageOf, session } from "./session.ts";

/** Requests at a time, for chosen tasks. */
const AT_ONCE = 4;
/** For as long as somebody may want to watch it. */
const WATCH_MS = 12 * 3_600_000;

interface Action {
  name: BulkAction;
  label: string;
  /** What the button for all says, by the status that is filtered; undefined where it does not fit. */
  all(filter: Filter): string | undefined;
  says: string;
  isDanger?: boolean;
  /** For tasks that were chosen: which it fits, and how. */
  one?: { statuses: readonly TaskStatus[]; run(client: Client, id: number): Promise<unknown> };
}

const ACTIONS: Action[] = [
  {
    name: "retry",
    label: "Retry",
    all: ({ status }) =>
      status === "Completed"
        ? "Run all again…"
        : !status || status === "Error"
          ? "Retry all failed…"
          : undefined,
    says: "Each starts anew, at once, with all of its attempts.",
    one: { statuses: ["Error"], run: (client, id) => client.retry(id) },
  },
  {
    name: "reschedule",
    label: "Reschedule",
    all: ({ status }) => (status === "Not started" ? "Reschedule all…" : undefined),
    says: "Each becomes due at this time.",
  },
  {
    name: "cancel",
    label: "Cancel",
    all: ({ status }) =>
      !status || status === "Not started" || status === "Running" ? "Cancel all unfinished…" : undefined,
    says: "Those that wait end in Error without having run; those that run are asked to stop.",
    isDanger: true,
    one: { statuses: ["Not started", "Running"], run: (client, id) => client.cancel(id) },
  },
  {
    name: "delete",
    label: "Delete",
    // Nobody means all that there is.
    all: (filter) => (isEmpty(filter) || filter.status === "Running" ? undefined : "Delete all…"),
    says: "They are gone for good, with their data, results and stories. What runs stays.",
    isDanger: true,
    one: {
      statuses: ["Not started", "Completed", "Error"],
      run: (client, id) => client.remove(id),
    },
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
  const [under, setUnder] = useState<number>();
  const time = useRef<HTMLInputElement>(null);

  const runChosen = async ({ label, one }: Action, ids: readonly number[]) => {
    const client = session.get();
    if (!client || !one) return;
    let done = 0;
    let refused = 0;
    const rest = [...ids];
    const next = async (): Promise<void> => {
      for (let id = rest.shift(); id !== undefined; id = rest.shift()) {
        await one.run(client, id).catch(() => refused++);
        setProgress(`${label}: ${++done} of ${ids.length}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    setProgress("");
    tellOutcome(label, ids.length - refused, refused);
    onDone();
  };
  const askChosen = (action: Action, ids: readonly number[]) =>
    ask({
      title: `${action.label} ${plural(ids.length, "task")}?`,
      body: action.says,
      act: `${action.label} ${plural(ids.length, "task")}`,
      kind: action.isDanger ? "danger" : "main",
      onAct: () => runChosen(action, ids),
    });

  /** It is a task, which goes on when the page is closed. */
  const runAll = async ({ name, label }: Action) => {
    const client = session.get();
    const given = time.current?.value;
    if (!client) return;
    const task = await client.bulk({
      action: name,
      filter: taskFilterOf(filter),
      // The number was shown.
      confirm: true,
      ...(name === "reschedule" && { scheduled_time: new Date(given || Date.now()) }),
    });
    setUnder(task.id);
    setProgress(`${label}: starts as soon as a worker is free`);
    client
      .waitFor(task.id, {
        timeoutMs: WATCH_MS,
        onProgress: (now) => setProgress(`${label}: ${Math.round(((now as Task).progress ?? 0) * 100)} %`),
      })
      .then(
        (ended) => {
          const { changed, skipped } = Object(ended.result_data) as Partial<BulkResult>;
          if (ended.task_status === "Completed") tellOutcome(label, changed ?? 0, skipped ?? 0);
          else tell(`${label}: it failed or was cancelled; see task ${ended.id}`, "failed");
        },
        (error) => tell(messageOf(error), "failed"),
      )
      .finally(() => {
        setProgress("");
        setUnder(undefined);
        onDone();
      });
  };
  const askAll = async (action: Action) => {
    const counted = await session.get()?.countBulk({
      action: action.name,
      filter: taskFilterOf(filter),
      ...(action.name === "reschedule" && { scheduled_time: new Date() }),
    });
    if (!counted) return;
    const { count, exact } = counted;
    if (count === 0) return tell(`There is nothing to ${action.name}`, "failed");
    const what = exact ? plural(count, "task") : `more than ${numberOf(count)} tasks`;
    ask({
      title: `${action.label} ${what}?`,
      body: (
        <>
          <p>{action.says} It is done by a task, which goes on when you close this page.</p>
          {action.name === "reschedule" && <DueField input={time} from={new Date()} />}
        </>
      ),
      act: `${action.label} ${what}`,
      kind: action.isDanger ? "danger" : "main",
      onAct: () => runAll(action),
    });
  };

  if (!may("write")) return null;
  const picked = tasks.filter(({ id }) => chosen.has(id));
  return (
    <div class="bulk">
      {picked.length > 0 ? (
        <>
          <span>{plural(picked.length, "task")} chosen</span>
          {ACTIONS.map((action) => {
            if (!action.one) return null;
            const { statuses } = action.one;
            const ids = picked
              .filter(({ task_status }) => statuses.includes(task_status))
              .map(({ id }) => id);
            return (
              <Button key={action.name} disabled={ids.length === 0} onClick={() => askChosen(action, ids)}>
                {action.label} {ids.length}
              </Button>
            );
          })}
        </>
      ) : (
        tasks.length > 0 &&
        ACTIONS.map((action) => {
          const label = action.all(filter);
          return (
            label && (
              <Button key={action.name} onClick={() => askAll(action)} disabled={under !== undefined}>
                {label}
              </Button>
            )
          );
        })
      )}
      <span class="muted" role="status">
        {progress} {under !== undefined && <a href={linkTo(["tasks", under])}>See its task</a>}
      </span>
    </div>
  );
}

function tellOutcome(label: string, changed: number, skipped: number): void {
  const done = `${label}: ${plural(changed, "task")}`;
  if (skipped === 0) tell(done);
  else tell(`${done}; ${numberOf(skipped)} had changed meanwhile, or were refused`, "failed");
}
