/** What is paused, and the form that pauses more. */
import type { Pause, PauseTarget } from "#client";
import { act } from "./act.ts";
import { KnownTypes } from "./known-types.tsx";
import { ask, Button, Card, Time } from "./parts.tsx";
import { linkTo } from "./router.ts";
import { may } from "./session.ts";

/** @example targetOf({ type: "greet", … }); // { type: "greet" } */
function targetOf({ reason: _, created_at: __, created_by: ___, ...target }: Pause): PauseTarget {
  return target as PauseTarget;
}

/** What is paused, as people call it. */
function nameOf(target: PauseTarget): string {
  if ("all" in target) return "everything";
  if ("type" in target) return target.type;
  return "queue" in target ? `the queue ${target.queue}` : `the key ${target.concurrency_key}`;
}

export function PausesCard({ pauses, reload }: { pauses: readonly Pause[]; reload(): void }) {
  const mayPause = may("admin");
  return (
    <Card
      title="Pauses"
      class="pauses"
      aside={mayPause && <Button onClick={() => askPause(reload)}>Pause…</Button>}
    >
      {pauses.length === 0 ? (
        <p class="muted">
          Nothing is paused. While a type is, its tasks can be created and wait; those that run go on.
        </p>
      ) : (
        <ul class="keys">
          {pauses.map((pause) => (
            <li key={JSON.stringify(targetOf(pause))}>
              <div>
                <strong>
                  {pause.type !== undefined ? (
                    <a href={linkTo(["types", pause.type])}>{pause.type}</a>
                  ) : (
                    capital(nameOf(targetOf(pause)))
                  )}
                </strong>
                {pause.reason && <p>{pause.reason}</p>}
                <p class="muted small">
                  Since <Time at={pause.created_at} />
                  {pause.created_by && `, by ${pause.created_by}`}
                </p>
              </div>
              {mayPause && (
                <Button
                  aria-label={`Resume ${nameOf(targetOf(pause))}…`}
                  onClick={() => askResume(pause, reload)}
                >
                  Resume…
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const askResume = (pause: Pause, reload: () => void) => {
  const target = targetOf(pause);
  ask({
    title: `Resume ${nameOf(target)}?`,
    body: "What is due of it starts at once. Other pauses stay.",
    act: "Resume",
    onAct: async () => {
      await act(`Resumed ${nameOf(target)}`, (client) => client.resume(target));
      reload();
    },
  });
};

/** With a type, it is that type that is to be paused. */
export function askPause(reload: () => void, type?: string): void {
  ask({
    title: type ? `Pause ${type}?` : "Pause tasks",
    body: <PauseForm type={type} />,
    act: "Pause",
    kind: "danger",
    onAct: async () => {
      const form = document.querySelector<HTMLFormElement>("#pause");
      if (!form) return;
      const given = new FormData(form);
      const target = type ? { type } : givenTarget(given);
      const reason = String(given.get("reason")).trim() || undefined;
      await act(`Paused ${nameOf(target)}`, (client) => client.pause(target, { reason }));
      reload();
    },
  });
}

function givenTarget(given: FormData): PauseTarget {
  const what = String(given.get("what"));
  if (what === "all") return { all: true };
  const name = String(given.get(what) ?? "").trim();
  if (name === "") throw new Error("Give a name, or pause everything.");
  return { [what]: name } as PauseTarget;
}

const LINES = [
  ["queue", "A queue", "mail"],
  ["concurrency_key", "A key", "acme/7"],
] as const;

function PauseForm({ type }: { type: string | undefined }) {
  return (
    <form id="pause" class="create" onSubmit={(event) => event.preventDefault()}>
      <p>What runs goes on. What waits stays, says that it is paused, and starts when it is resumed.</p>
      {type === undefined && (
        <fieldset class="choices">
          <legend>What</legend>
          <label>
            <input type="radio" name="what" value="type" defaultChecked />
            <span>
              <strong>A type</strong>
              <input name="type" aria-label="Type" list="known-types" placeholder="send_report" />
            </span>
          </label>
          {LINES.map(([name, label, example]) => (
            <label key={name}>
              <input type="radio" name="what" value={name} />
              <span>
                <strong>{label}</strong>
                <input name={name} aria-label={label} autocomplete="off" placeholder={example} />
              </span>
            </label>
          ))}
          <label>
            <input type="radio" name="what" value="all" />
            <span>
              <strong>Everything</strong>
            </span>
          </label>
          <KnownTypes />
        </fieldset>
      )}
      <label class="field">
        Why, for the others
        <input name="reason" maxLength={1_000} placeholder="the mail server moves" />
      </label>
    </form>
  );
}
