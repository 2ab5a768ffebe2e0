/** What can be done to a schedule. Each asks first, but for the form. */
import type { Client, Schedule } from "#client";
import { act } from "./act.ts";
import { ask, Button, tell } from "./parts.tsx";
import { go, linkTo } from "./router.ts";
import { session } from "./session.ts";

export function ScheduleActions({
  schedule: { name, paused, source },
  reload,
}: {
  schedule: Schedule;
  reload(): void;
}) {
  const change = async (said: string, call: (client: Client) => Promise<unknown>) => {
    await act(said, call);
    reload();
  };
  const run = () =>
    ask({
      title: `Run ${name} now?`,
      body: "A task of it is made that is due now. Its usual times stay as they are.",
      act: "Run it now",
      onAct: async () => {
        const task = await session.get()?.schedules.run(name);
        if (!task) return;
        tell(`Task ${task.id} was made`);
        go(["tasks", task.id]);
      },
    });
  const pause = () =>
    ask({
      title: `Pause ${name}?`,
      body: "What waits of it is deleted, and nothing comes until it is resumed. What runs goes on. The time in which it is paused is not caught up.",
      act: "Pause it",
      kind: "danger",
      onAct: () => change(`${name} is paused`, (client) => client.schedules.put(name, { paused: true })),
    });
  const resume = () =>
    ask({
      title: `Resume ${name}?`,
      body: "It comes again from its next time on.",
      act: "Resume it",
      onAct: () => change(`${name} comes again`, (client) => client.schedules.put(name, { paused: false })),
    });
  const remove = () =>
    ask({
      title: `Delete ${name}?`,
      body: "The schedule is gone for good, with what waits of it. What runs goes on, and finished tasks stay.",
      act: "Delete the schedule",
      kind: "danger",
      onAct: async () => {
        await act(`${name} was deleted`, (client) => client.schedules.remove(name));
        go(["schedules"]);
      },
    });
  return (
    <fieldset class="buttons actions" aria-label="Actions">
      <Button kind="main" onClick={run}>
        Run now…
      </Button>
      {paused ? <Button onClick={resume}>Resume…</Button> : <Button onClick={pause}>Pause…</Button>}
      {source === "api" && (
        <a class="button" href={linkTo(["schedules", name], { edit: "true" })}>
          Edit
        </a>
      )}
      {source === "api" && <Button onClick={remove}>Delete…</Button>}
      {source === "code" && <span class="muted small">Its times and its end are in the code.</span>}
    </fieldset>
  );
}
