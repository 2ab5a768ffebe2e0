/** How many tasks of a type, a queue or a key may run or start, and the form that says so. */
import type { Limit, LimitTarget, LimitTerms } from "#client";
import { act } from "./act.ts";
import { Field } from "./field.tsx";
import { numberOf, plural, UNITS, type Unit, unitOf } from "./format.ts";
import { KnownTypes } from "./known-types.tsx";
import { ask, Button, Card } from "./parts.tsx";
import { linkTo } from "./router.ts";
import { may } from "./session.ts";

const targetOf = ({ type, queue, concurrency_key = "" }: Limit): LimitTarget =>
  type !== undefined ? { type } : queue !== undefined ? { queue } : { concurrency_key };

/** @example nameOf({ queue: "mail" }); // "the queue mail" */
function nameOf(target: LimitTarget): string {
  if ("type" in target) return `the type ${target.type}`;
  if ("queue" in target) return `the queue ${target.queue}`;
  return target.concurrency_key === "*" ? "each key" : `the key ${target.concurrency_key}`;
}

/** @example periodOf(60); // "a minute" */
function periodOf(seconds: number): string {
  const { every, unit } = unitOf(seconds);
  if (every !== 1) return `in ${every} ${unit}`;
  return unit === "hours" ? "an hour" : `a ${unit.slice(0, -1)}`;
}

/** @example termsOf(limit); // "2 at once, 100 starts a minute" */
export function termsOf({ concurrency, rate, weight }: Limit): string {
  const said = [
    concurrency !== null && `${numberOf(concurrency)} at once`,
    rate &&
      `${plural(rate.starts, "start")} ${periodOf(rate.period_seconds)}${rate.burst ? ", in bursts" : ""}`,
    weight !== null && `${weight} turns where others get one`,
  ];
  return said.filter(Boolean).join(", ");
}

/** Where tasks of it are listed; each key has many. */
function tasksOf(target: LimitTarget) {
  if ("concurrency_key" in target && target.concurrency_key === "*") return undefined;
  return linkTo(["tasks"], { status: "Not started", ...target });
}

export function LimitsCard({ limits, reload }: { limits: readonly Limit[]; reload(): void }) {
  const maySet = may("admin");
  return (
    <Card
      title="Limits"
      class="limits"
      aside={maySet && <Button onClick={() => askLimit(reload)}>Set a limit…</Button>}
    >
      {limits.length === 0 ? (
        <p class="muted">
          Nothing is limited. A limit says how many tasks of a type, a queue or a key run at once, or start in
          a period.
        </p>
      ) : (
        <ul class="keys">
          {limits.map((limit) => (
            <One key={nameOf(targetOf(limit))} limit={limit} reload={reload} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function One({ limit, reload }: { limit: Limit; reload(): void }) {
  const target = targetOf(limit);
  const name = nameOf(target);
  const waiting = tasksOf(target);
  return (
    <li>
      <div>
        <strong>{name.charAt(0).toUpperCase() + name.slice(1)}</strong>
        {limit.source === "code" && <span class="chip">From code</span>}
        <p>{termsOf(limit)}</p>
        <p class="muted small">
          {limit.running !== null && (
            <>
              {limit.running === 0 ? "None runs" : `${plural(limit.running, "task")} running`}
              {" · "}
            </>
          )}
          {waiting ? <a href={waiting}>What waits</a> : "Of those that have no limit of their own"}
        </p>
      </div>
      {may("admin") && (
        <div class="buttons">
          <Button aria-label={`Change ${name}…`} onClick={() => askLimit(reload, target, limit)}>
            Change…
          </Button>
          <Button aria-label={`Remove the limit of ${name}…`} onClick={() => askRemove(limit, reload)}>
            Remove…
          </Button>
        </div>
      )}
    </li>
  );
}

function askRemove(limit: Limit, reload: () => void): void {
  const target = targetOf(limit);
  ask({
    title: `Remove the limit of ${nameOf(target)}?`,
    body: `What it held back starts at once, as far as other limits let it.${
      limit.source === "code" ? " Code declares it: it comes back when the code declares something else." : ""
    }`,
    act: "Remove the limit",
    kind: "danger",
    onAct: async () => {
      await act(`${nameOf(target)} has no limit`, (client) => client.limits.remove(target));
      reload();
    },
  });
}

/** With a target, it is the limit of that. */
export function askLimit(reload: () => void, target?: LimitTarget, limit?: Limit): void {
  ask({
    title: target ? `How much of ${nameOf(target)}?` : "Set a limit",
    body: <LimitForm target={target} limit={limit} />,
    act: "Set the limit",
    onAct: async () => {
      const form = document.querySelector<HTMLFormElement>("#limit");
      if (!form) return;
      const given = new FormData(form);
      const to = target ?? givenTarget(given);
      await act(`${nameOf(to)} is limited`, (client) => client.limits.put(to, givenTerms(given)));
      reload();
    },
  });
}

function givenTarget(given: FormData): LimitTarget {
  const name = String(given.get("name")).trim();
  if (name === "") throw new Error("Give the name of what is to be limited.");
  return { [String(given.get("kind"))]: name } as LimitTarget;
}

function givenTerms(given: FormData): LimitTerms {
  const number = (name: string) => {
    const text = String(given.get(name) ?? "").trim();
    return text === "" ? null : Number(text);
  };
  const starts = number("starts");
  const seconds = (number("period") ?? 1) * UNITS[given.get("unit") as Unit];
  const burst = given.has("burst");
  return {
    concurrency: number("concurrency"),
    rate: starts === null ? null : { starts, period_seconds: seconds, burst },
    weight: number("weight"),
  };
}

function LimitForm({ target, limit }: { target: LimitTarget | undefined; limit: Limit | undefined }) {
  const rate = limit?.rate;
  const period = unitOf(rate?.period_seconds ?? 60);
  return (
    <form id="limit" class="create" onSubmit={(event) => event.preventDefault()}>
      <p>No task starts beyond it from now on. What runs goes on. Leave empty what is not to be limited.</p>
      {!target && (
        <div class="pair even">
          <Field label="Of">
            {(input) => (
              <select {...input} name="kind">
                <option value="queue">a queue</option>
                <option value="type">a type</option>
                <option value="concurrency_key">a key</option>
              </select>
            )}
          </Field>
          <Field label="Name" hint="Of a key, * is each key">
            {(input) => <input {...input} name="name" list="known-types" autocomplete="off" />}
          </Field>
          <KnownTypes />
        </div>
      )}
      <Field label="Run at once" hint="At most so many. TASK_CONCURRENCY stays the roof.">
        {(input) => (
          <input
            {...input}
            name="concurrency"
            type="number"
            min="1"
            defaultValue={limit?.concurrency ?? ""}
          />
        )}
      </Field>
      <div class="three">
        <Field label="Start">
          {(input) => (
            <input {...input} name="starts" type="number" min="1" defaultValue={rate?.starts ?? ""} />
          )}
        </Field>
        <Field label="in">
          {(input) => (
            <input
              {...input}
              name="period"
              type="number"
              min="0.001"
              step="any"
              defaultValue={period.every}
            />
          )}
        </Field>
        <Field label="Unit">
          {(input) => (
            <select {...input} name="unit">
              {Object.keys(UNITS).map((unit) => (
                <option key={unit} selected={unit === period.unit}>
                  {unit}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <fieldset class="choices">
        <legend class="hidden">How they start</legend>
        <label>
          <input type="checkbox" name="burst" defaultChecked={rate?.burst ?? false} />
          All of them may start at once; otherwise evenly, one after the other
        </label>
      </fieldset>
      {target && limit?.weight != null && (
        <Field label="Turns where others get one">
          {(input) => (
            <input
              {...input}
              name="weight"
              type="number"
              min="0.001"
              step="any"
              defaultValue={limit.weight ?? ""}
            />
          )}
        </Field>
      )}
    </form>
  );
}
