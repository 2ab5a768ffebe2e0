import { useState } from "preact/hooks";
import { Logo } from "../frame.tsx";
import { hasEnded, signIn } from "../session.ts";
import { useCell } from "../store.ts";

export function SignInPage() {
  const [refusal, setRefusal] = useState<string>();
  const [busy, setBusy] = useState(false);
  const ended = useCell(hasEnded);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const key = new FormData(event.target as HTMLFormElement).get("key");
    setRefusal(await signIn(String(key).trim()));
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <Logo class="logo" />
        <h1>Tickwork</h1>
        {ended ? (
          <p role="status">Your session has ended. Sign in again, and go on where you were.</p>
        ) : (
          <p>Sign in with an API key of this deployment. The key itself is not kept in the browser.</p>
        )}
        <label for="key">API key</label>
        <input
          id="key"
          name="key"
          type="password"
          autocomplete="current-password"
          required
          // biome-ignore lint/a11y/noAutofocus: there is nothing else to do here
          autoFocus
          aria-invalid={refusal !== undefined}
          aria-describedby="key-help"
        />
        {refusal && (
          <p class="refusal" role="alert">
            {refusal}
          </p>
        )}
        <button class="button main" type="submit" aria-busy={busy}>
          Sign in
        </button>
        <p id="key-help" class="muted small">
          <code>npm start</code> and <code>npx tickwork dev</code> print it; elsewhere it is the setting{" "}
          <code>API_KEY</code>, or a key that somebody made for you.
        </p>
      </form>
    </main>
  );
}
