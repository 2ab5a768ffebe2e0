/** What several pages are made of. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Task, TaskStatus } from "#client";
import { fromNow, fullTime } from "./format.ts";
import { messageOf } from "./session.ts";
import { cell, useCell } from "./store.ts";

const STATUS: Record<TaskStatus, [name: string, label: string]> = {
  "Not started": ["waiting", "Waiting"],
  Running: ["running", "Running"],
  Completed: ["completed", "Completed"],
  Error: ["failed", "Failed"],
};

export const statusLabel = (status: TaskStatus) => STATUS[status]?.[1] ?? status;
export const statusName = (status: TaskStatus) => STATUS[status]?.[0] ?? "waiting";

export function Status({ status }: { status: TaskStatus }) {
  return (
    <span class={`status ${statusName(status)}`}>
      <span class="dot" aria-hidden="true" />
      {statusLabel(status)}
    </span>
  );
}

/** A moment, as far away as it is; the exact time when it is pointed at. */
export function Time({ at, none = "–" }: { at: string | null | undefined; none?: string }) {
  const nowMs = useCell(now);
  if (!at) return <>{none}</>;
  return (
    <time dateTime={at} title={fullTime(at)}>
      {fromNow(at, nowMs)}
    </time>
  );
}

/** Ticks for what says how long ago something was. */
export const now = cell(Date.now());
setInterval(() => {
  if (!document.hidden) now.set(Date.now());
}, 1_000);

export function Progress({ task }: { task: Task }) {
  const percent = Math.round((task.progress ?? 0) * 100);
  if (task.progress === null) return <span class="progress unknown" role="progressbar" aria-label="Runs" />;
  return (
    <span class="progress" role="progressbar" aria-label="Progress" aria-valuenow={percent}>
      <span style={{ width: `${percent}%` }} />
    </span>
  );
}

export function Card({
  title,
  aside,
  children,
  class: name = "",
}: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  const id = useId();
  return (
    <section class={`card ${name}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** In place of what is not there; `isPage`: of all that the page is about. */
export function Empty({
  title,
  isPage = false,
  children,
}: {
  title: string;
  isPage?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      {isPage ? <h1>{title}</h1> : <strong>{title}</strong>}
      {children && <p>{children}</p>}
    </div>
  );
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <div>
        <strong>This could not be loaded.</strong>
        <p>{messageOf(error)}</p>
      </div>
      {retry && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

/** While the first answer is on its way. */
export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, n) => (
        <span key={n} class="line" />
      ))}
    </div>
  );
}

type ButtonProps = Omit<JSX.IntrinsicElements["button"], "class" | "onClick"> & {
  kind?: "main" | "danger" | "plain";
  onClick?: () => unknown;
};

/** Cannot be pressed again while what it does is under way. */
export function Button({ kind = "plain", onClick, disabled, children, ...rest }: ButtonProps) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await onClick?.();
    } catch (error) {
      tell(messageOf(error), "failed");
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind}`}
      disabled={disabled}
      aria-busy={busy}
      {...(onClick && { onClick: press })}
    >
      {children}
    </button>
  );
}

interface Notice {
  text: string;
  kind: "done" | "failed";
}
const notice = cell<Notice | undefined>(undefined);
let noticeTimer: ReturnType<typeof setTimeout> | undefined;
const NOTICE_MS = 6_000;

/** Says what was done, or why not, for some seconds. */
export function tell(text: string, kind: Notice["kind"] = "done"): void {
  clearTimeout(noticeTimer);
  notice.set({ text, kind });
  noticeTimer = setTimeout(() => notice.set(undefined), NOTICE_MS);
}

export function Notices() {
  const shown = useCell(notice);
  return (
    <div class="notices" role="status" aria-live="polite">
      {shown && <p class={`notice ${shown.kind}`}>{shown.text}</p>}
    </div>
  );
}

export interface Question {
  title: string;
  /** What will happen. */
  body: ComponentChildren;
  /** What the button says. */
  act: string;
  kind?: "main" | "danger";
  onAct: () => unknown;
}
const question = cell<Question | undefined>(undefined);

/** Asks before something is done. */
export const ask = (one: Question) => question.set(one);

export function Questions() {
  const asked = useCell(question);
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    if (asked) dialog.current?.showModal();
    else dialog.current?.close();
  }, [asked]);
  const [refusal, setRefusal] = useState<string>();
  useEffect(() => setRefusal(undefined), [asked]);
  const close = () => question.set(undefined);
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={close}>
      {asked && (
        <>
          <h2 id={titleId}>{asked.title}</h2>
          <div class="dialog-body">{asked.body}</div>
          {refusal && (
            <p class="refusal" role="alert">
              {refusal}
            </p>
          )}
          <footer>
            <Button onClick={close}>Keep as it is</Button>
            <Button
              kind={asked.kind ?? "main"}
              onClick={async () => {
                setRefusal(undefined);
                try {
                  await asked.onAct();
                  close();
                } catch (error) {
                  // A notice would be behind the dialog.
                  setRefusal(messageOf(error));
                }
              }}
            >
              {asked.act}
            </Button>
          </footer>
        </>
      )}
    </dialog>
  );
}

/** JSON as it is; long texts scroll in themselves. */
export function Json({ value, label }: { value: unknown; label: string }) {
  if (value === null || value === undefined) return <p class="muted">None</p>;
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="json" tabIndex={0} aria-label={`${label}, in full`}>
      <pre>{text}</pre>
    </section>
  );
}

export async function copy(text: string, what: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  tell(`Copied ${what}`);
}
