/** Fields of forms, and what the API says is wrong with them. */
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { type Client, type Issue, TickworkApiError } from "#client";
import { messageOf, session } from "./session.ts";

/** Why a form was refused. */
export interface Refusal {
  text: string;
  issues: readonly Issue[];
}

export const refusalOf = (error: unknown): Refusal => ({
  text: messageOf(error),
  issues: error instanceof TickworkApiError ? (error.issues ?? []) : [],
});

const isAt = (path: string, at: string) =>
  path === at || path.startsWith(`${at}.`) || path.startsWith(`${at}[`);

/** Our own messages go on from the name of the field; those of other people's schemas are sentences of their own. */
const saidOf = (message: string) => (/^(must|is|has|cannot) /.test(message) ? `It ${message}` : message);

/** What is wrong at a place or below it; the place itself is not named. */
export const wrongAt = (refusal: Refusal | undefined, at: string): string | undefined =>
  refusal?.issues
    .filter(({ path }) => isAt(path, at))
    .map(({ path, message }) => (path === at ? saidOf(message) : `${path} ${message}`))
    .join("; ") || undefined;

/** What is wrong beside these places. */
export function RestOf({ refusal, except }: { refusal: Refusal | undefined; except: readonly string[] }) {
  if (!refusal) return null;
  const rest = refusal.issues.filter(({ path }) => !except.some((at) => isAt(path, at)));
  if (refusal.issues.length > 0 && rest.length === 0)
    return (
      <p class="refusal" role="alert">
        It was not accepted: see the fields that are marked.
      </p>
    );
  return (
    <p class="refusal" role="alert">
      {rest.length > 0 ? rest.map(({ path, message }) => `${path} ${message}`).join("; ") : refusal.text}
    </p>
  );
}

/**
 * What a form does when it is sent: one at a time, and a failure is its refusal.
 *
 * @param send may throw, or return a refusal of its own
 */
export function useSubmit(send: (client: Client, form: FormData) => Promise<Refusal | undefined>) {
  const [refusal, setRefusal] = useState<Refusal>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const client = session.get();
    if (busy || !client) return;
    setBusy(true);
    setRefusal(undefined);
    try {
      setRefusal(await send(client, new FormData(event.currentTarget as HTMLFormElement)));
    } catch (error) {
      setRefusal(refusalOf(error));
    } finally {
      setBusy(false);
    }
  };
  return { refusal, busy, submit };
}

interface InputProps {
  id: string;
  "aria-invalid"?: true;
  "aria-describedby"?: string;
}

/** A field with its name above it, and below it what is wrong with it, or a hint. */
export function Field({
  label,
  optional = false,
  hint,
  wrong,
  children,
}: {
  label: string;
  optional?: boolean;
  hint?: ComponentChildren;
  wrong?: string | undefined;
  children(input: InputProps): ComponentChildren;
}) {
  const id = useId();
  const said = wrong ?? hint;
  return (
    <div class="field">
      <label for={id}>
        {label}
        {optional && <span class="muted"> optional</span>}
      </label>
      {children({
        id,
        ...(wrong && { "aria-invalid": true }),
        ...(said && { "aria-describedby": `${id}-says` }),
      })}
      {said && (
        <small id={`${id}-says`} class={wrong ? "refusal" : ""}>
          {said}
        </small>
      )}
    </div>
  );
}
