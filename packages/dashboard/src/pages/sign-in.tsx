import { useState } from "preact/hooks";
import { signIn } from "../session.ts";

export function SignInPage() {
  const [refusal, setRefusal] = useState<string>();
  const [busy, setBusy] = useState(false);
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
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M16 8.5V16l5.5 3.6" />
        </svg>
        <h1>Tickwork</h1>
        <p>Sign in with an API key of this deployment. The key stays in this tab, until you close it.</p>
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
          <code>API_KEY</code>.
        </p>
      </form>
    </main>
  );
}
