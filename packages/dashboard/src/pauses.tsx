/** What is paused, and the form that pauses more. */
import { useEffect, useState } from "preact/hooks";
import type { Pause, PauseTarget } from "#client";
import { act } from "./act.ts";
import { ask, Button, Card, Time } from "./parts.tsx";
import { linkTo } from "./router.ts";
import { may, session } from "./session.ts";

/** @example targetOf({ type: "greet", … }); // { type: "greet" } */
function targetOf({ reason: _, created_at: __, created_by: ___, ...target }: Pause): PauseTarget {
  return target as PauseTarget;
}

/** What is paused, as people call it. */
const nameOf = (target: PauseTarget): string =>
  "all" in target ? "everything" : String(Object.values(target)[0]);

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
      const name = type ?? String(given.get("type") ?? "").trim();
      const isAll = given.get("what") === "all";
      if (!isAll && name === "") throw new Error("Give a type, or pause everything.");
      const reason = String(given.get("reason")).trim() || undefined;
      await act(`Paused ${isAll ? "everything" : name}`, (client) =>
        client.pause(isAll ? { all: true } : { type: name }, { reason }),
      );
      reload();
    },
  });
}

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

/** What the form proposes. */
function KnownTypes() {
  const [types, setTypes] = useState<string[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    session
      .get()
      ?.types({ limit: 100, signal: ended.signal })
      .then(
        (page) => setTypes(page.types.map(({ type }) => type)),
        () => undefined,
      );
    return () => ended.abort();
  }, []);
  return (
    <datalist id="known-types">
      {types.map((type) => (
        <option key={type} value={type} />
      ))}
    </datalist>
  );
}
