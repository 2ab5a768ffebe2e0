/** Who is signed in. The only place that knows how: the API key, kept for this tab. */
import { type Client, createClient, TickworkApiError } from "#client";
import { cell } from "./store.ts";

const NAME = "tickwork.key";

/** The client of whoever is signed in; undefined when nobody is. */
export const session = cell<Client | undefined>(undefined);

const base = new URL(".", location.href).href.replace(/#.*/, "");

function clientWith(key: string): Client {
  return createClient({
    url: base,
    apiKey: key,
    // A person who waits sees the failure, and the next look comes by itself.
    retries: 0,
    attemptTimeoutMs: 20_000,
    timeoutMs: 30_000,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (response.status === 401) signOut();
      return response;
    },
  });
}

export function restore(): void {
  const key = sessionStorage.getItem(NAME);
  if (key) session.set(clientWith(key));
}

/** @returns why it was refused; undefined when it was not */
export async function signIn(key: string): Promise<string | undefined> {
  try {
    const client = clientWith(key);
    await client.listPage({ limit: 1 });
    sessionStorage.setItem(NAME, key);
    session.set(client);
    return undefined;
  } catch (error) {
    if (error instanceof TypeError || (error instanceof TickworkApiError && error.status === 401))
      return "This key is not known here.";
    return messageOf(error);
  }
}

export function signOut(): void {
  sessionStorage.removeItem(NAME);
  session.set(undefined);
}

export function messageOf(error: unknown): string {
  if (error instanceof TickworkApiError && error.issues?.length)
    return error.issues.map(({ path, message }) => `${path} ${message}`).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/** Where the API answers, without a slash at its end. */
export const apiUrl = base.replace(/\/$/, "");
