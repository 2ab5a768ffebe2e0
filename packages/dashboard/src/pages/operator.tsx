import type { ComponentChildren } from "preact";
import type { Client } from "#client";
import { act } from "../act.ts";
import { plural } from "../format.ts";
import { LimitsCard } from "../limits.tsx";
import { useLive } from "../live.ts";
import { ask, Button, Card, Failure, Loading, Time } from "../parts.tsx";
import { PausesCard } from "../pauses.tsx";
import { may } from "../session.ts";

export function OperatorPage() {
  const { data, error, reload } = useLive("operator", async (client, signal) => {
    const [overview, stats, running, pauses, limits] = await Promise.all([
      client.overview({ signal }),
      client.stats({ signal }),
      client.listPage({ status: "Running", limit: 200 }, { signal }),
      client.pauses({ signal }),
      client.limits.list({ signal }),
    ]);
    return { flag: overview.flag, stats, running: running.tasks.length, pauses, limits };
  });
  const change = async (said: string, call: (client: Client) => Promise<unknown>) => {
    await act(said, call);
    reload();
  };
  if (error !== undefined) return <Failure error={error} retry={reload} />;
  if (!data) return <Loading lines={6} />;
  const { flag, stats, running, pauses, limits } = data;
  const isHeld = flag.held_by === "operator";
  return (
    <>
      <h1>Operator</h1>
      <p class="lead">
        {may("admin")
          ? "What is rarely needed. Each asks first, and says what it will do."
          : "Only keys with the scope admin may change something here."}
      </p>
      <PausesCard pauses={pauses} reload={reload} />
      <LimitsCard limits={limits} reload={reload} />
      <div class="columns">
        <Control
          title="Refresh the cache"
          state={
            <>
              Last refreshed <Time at={stats.lastRefreshed} none="never" />;{" "}
              {plural(stats.cachedTasksCount, "task")} cached.
            </>
          }
          button="Refresh…"
          onClick={() =>
            ask({
              title: "Refresh the cache?",
              body: "Postgres is read, and the cache of the tasks that are due soon is rebuilt. Tasks that another program has written are found at once. Nothing that runs is touched.",
              act: "Refresh",
              onAct: () => change("The cache was refreshed", (client) => client.refresh()),
            })
          }
        >
          For when rows were written without Tickwork, or Redis was emptied.
        </Control>
        {isHeld ? (
          <Control
            title="Let tasks start"
            state="You, or another operator, hold the running flag: no task starts."
            button="Release the flag…"
            onClick={() =>
              ask({
                title: "Release the running flag?",
                body: "All flags are released, and what is due starts at once.",
                act: "Release the flag",
                onAct: () => change("The flag was released", (client) => client.setRunning(false)),
              })
            }
          >
            The flag ends by itself after 15 minutes, too.
          </Control>
        ) : (
          <Control
            title="Keep tasks from starting"
            state={flag.held_by === "tick" ? "A tick holds the running flag." : "The running flag is free."}
            button="Hold the flag…"
            onClick={() =>
              ask({
                title: "Hold the running flag?",
                body: "No tick starts a task for the next 15 minutes, or until you release the flag. A task that runs goes on to its end.",
                act: "Hold the flag",
                kind: "danger",
                onAct: () => change("No task starts now", (client) => client.setRunning(true)),
              })
            }
          >
            For a short break, such as a migration of a database that your handlers use.
          </Control>
        )}
        <Control
          title="Reset stuck tasks"
          state={running === 0 ? "Nothing runs." : `${plural(running, "task")} running.`}
          button="Reset…"
          danger
          onClick={() =>
            ask({
              title: `End ${running === 0 ? "every running task" : `${plural(running, "running task")}`}?`,
              body: "Every running task ends in Error, also those whose workers are alive: what they still do is not written. All flags are released. A worker that died is found without this, when its lease ends.",
              act: "End what runs",
              kind: "danger",
              onAct: () =>
                change("Running tasks were ended, and the flags released", (client) => client.resetStuck()),
            })
          }
        >
          For tasks of other programs that never end. Tickwork’s own workers that die are noticed within a
          minute.
        </Control>
      </div>
    </>
  );
}

function Control({
  title,
  state,
  children,
  button,
  danger = false,
  onClick,
}: {
  title: string;
  state: ComponentChildren;
  children: ComponentChildren;
  button: string;
  danger?: boolean;
  onClick(): void;
}) {
  return (
    <Card title={title} class="control">
      <p>{children}</p>
      <p class="muted">{state}</p>
      <Button kind={danger ? "danger" : "plain"} onClick={onClick} disabled={!may("admin")}>
        {button}
      </Button>
    </Card>
  );
}
