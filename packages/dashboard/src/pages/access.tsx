import { useState } from "preact/hooks";
import type { ApiKey, MadeApiKey, Scope } from "#client";
import { act } from "../act.ts";
import { fullTime, localInput } from "../format.ts";
import { useLive } from "../live.ts";
import { ask, Button, Card, copy, Empty, Failure, Loading, Time } from "../parts.tsx";
import { identity, may, messageOf, session } from "../session.ts";

const SCOPES: [Scope, string][] = [
  ["read", "See tasks, their results and errors, and the state of the service"],
  ["write", "Create, change, delete, retry and cancel tasks and schedules"],
  ["admin", "Pause, flags, keys, the audit log, and what tasks keep secret"],
];

export function AdminsOnly() {
  return (
    <Empty isPage title="This is for administrators">
      The key that you have signed in with, {identity.get()?.name}, does not have the scope <code>admin</code>
      .
    </Empty>
  );
}

export function AccessPage() {
  const isAdmin = may("admin");
  const {
    data: keys,
    error,
    reload,
  } = useLive("keys", async (client, signal) => (isAdmin ? client.keys({ signal }) : undefined));
  const [made, setMade] = useState<MadeApiKey>();
  if (!isAdmin) return <AdminsOnly />;
  return (
    <>
      <h1>Access keys</h1>
      <p class="lead">
        Give each program and each person a key of their own: it can be withdrawn alone, and says who changed
        what. <code>API_KEY</code>, from the environment, may do everything and is not listed.
      </p>
      {made && <Made made={made} onDone={() => setMade(undefined)} />}
      <div class="columns wide-left">
        <Card title="Keys">
          {error !== undefined && <Failure error={error} retry={reload} />}
          {!keys && error === undefined && <Loading lines={4} />}
          {keys?.length === 0 && <Empty title="No key was made yet">Make the first one here.</Empty>}
          <ul class="keys">
            {keys?.map((key) => (
              <Key key={key.id} one={key} reload={reload} />
            ))}
          </ul>
        </Card>
        <Card title="New key">
          <NewKey
            onMade={(key) => {
              setMade(key);
              reload();
              scrollTo(0, 0);
            }}
          />
        </Card>
      </div>
    </>
  );
}

function Made({ made, onDone }: { made: MadeApiKey; onDone(): void }) {
  return (
    <section class="banner made" aria-label="The new key">
      <p role="status">
        <strong>The key {made.name} was made.</strong> Copy it now: it is not shown again.
      </p>
      <code class="secret">{made.key}</code>
      <div class="buttons">
        <Button kind="main" onClick={() => copy(made.key, "the key")}>
          Copy
        </Button>
        <Button onClick={onDone}>I have kept it</Button>
      </div>
    </section>
  );
}

function Key({ one, reload }: { one: ApiKey; reload(): void }) {
  const isOver = one.expires_at !== null && Date.parse(one.expires_at) <= Date.now();
  const withdraw = () =>
    ask({
      title: `Withdraw the key ${one.name}?`,
      body: "Whoever uses it is refused from now on, everywhere within a minute, and the sessions that began with it end. It cannot be brought back.",
      act: "Withdraw the key",
      kind: "danger",
      onAct: async () => {
        await act(`The key ${one.name} was withdrawn`, (client) => client.deleteKey(one.id));
        reload();
      },
    });
  return (
    <li>
      <div>
        <strong>{one.name}</strong> <span class="muted">#{one.id}</span>
        <span class="chips">
          {one.scopes.map((scope) => (
            <span key={scope} class={`chip ${scope === "admin" ? "late" : ""}`}>
              {scope}
            </span>
          ))}
        </span>
        <p class="muted small">
          {one.used_at ? (
            <>
              Used <Time at={one.used_at} />
            </>
          ) : (
            "Never used"
          )}
          {" · "}
          {one.expires_at === null ? (
            "does not expire"
          ) : isOver ? (
            <span class="error-text">has expired</span>
          ) : (
            `until ${fullTime(one.expires_at)}`
          )}
        </p>
      </div>
      <Button onClick={withdraw} aria-label={`Withdraw ${one.name}…`}>
        Withdraw…
      </Button>
    </li>
  );
}

const DAY_MS = 86_400_000;
const ENDS: [value: string, label: string][] = [
  ["30", "In 30 days"],
  ["90", "In 90 days"],
  ["365", "In a year"],
  ["at", "At a time that I choose"],
  ["", "Never"],
];

function NewKey({ onMade }: { onMade(key: MadeApiKey): void }) {
  const [end, setEnd] = useState("90");
  const [refusal, setRefusal] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const client = session.get();
    const form = event.currentTarget as HTMLFormElement;
    const given = new FormData(form);
    const scopes = given.getAll("scopes") as Scope[];
    if (busy || !client) return;
    if (scopes.length === 0) return setRefusal("Choose at least one thing that it may do.");
    setBusy(true);
    try {
      const ends =
        end === ""
          ? null
          : end === "at"
            ? new Date(String(given.get("at")))
            : new Date(Date.now() + Number(end) * DAY_MS);
      const name = String(given.get("name")).trim();
      onMade(await client.createKey({ name, scopes, expires_at: ends?.toISOString() ?? null }));
      setRefusal(undefined);
      form.reset();
      setEnd("90");
    } catch (error) {
      setRefusal(messageOf(error));
    }
    setBusy(false);
  };
  return (
    <form class="create" onSubmit={submit}>
      <label class="field">
        Name
        <input name="name" required maxLength={255} placeholder="shop" autocomplete="off" />
        <small>Who or what it is for. It stands beside what it changes.</small>
      </label>
      <fieldset class="choices">
        <legend>It may</legend>
        {SCOPES.map(([scope, says]) => (
          <label key={scope}>
            <input type="checkbox" name="scopes" value={scope} defaultChecked={scope === "read"} />
            <span>
              <strong>{scope}</strong>
              <small>{says}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        It ends
        <select value={end} onChange={(event) => setEnd((event.currentTarget as HTMLSelectElement).value)}>
          {ENDS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {end === "at" && (
        <label class="field">
          When, in the time of this browser
          <input
            name="at"
            type="datetime-local"
            required
            defaultValue={localInput(new Date(Date.now() + 30 * DAY_MS))}
          />
        </label>
      )}
      {refusal && (
        <p class="refusal" role="alert">
          {refusal}
        </p>
      )}
      <button class="button main" type="submit" aria-busy={busy}>
        Make the key
      </button>
    </form>
  );
}
