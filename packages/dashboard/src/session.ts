/**
 * Who is signed in. The only place that knows how: the key is exchanged for a cookie that no script can read. What the
 * page keeps is whose session it is, to show it; the server decides what it may do.
 */
import { type Client, createClient, type Identity, type Scope, TickworkApiError } from "#client";
import { cell } from "./store.ts";

/** All tabs have the same cookie, so they share this. */
const NAME = "tickwork.session";

/** The client of whoever is signed in; undefined when nobody is. */
export const session = cell<Client | undefined>(undefined);
/** Whose session it is. */
export const identity = cell<Identity | undefined>(undefined);
/** Whether the last one ended by itself: nobody signed out. */
export const hasEnded = cell(false);

export const may = (scope: Scope): boolean => identity.get()?.scopes.includes(scope) ?? false;

const base = new URL(".", location.href).href.replace(/#.*/, "");

/** Where the API answers, without a slash at its end. */
export const apiUrl = base.replace(/\/$/, "");

function newClient(): Client {
  return createClient({
    url: base,
    // A person who waits sees the failure, and the next look comes by itself.
    retries: 0,
    attemptTimeoutMs: 20_000,
    timeoutMs: 30_000,
    fetch: asked,
  });
}

async function asked(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.status === 401) leave(true);
  return response;
}

/** A request of this session, whatever it answers. @example await send("/types/greet", { method: "GET" }) */
export const send = (path: string, init: RequestInit): Promise<Response> => asked(`${apiUrl}${path}`, init);

/** @throws Error with what the server says why not */
export async function readAnswer<Body>(path: string): Promise<{ body: Body; headers: Headers }> {
  const answer = await send(path, { method: "GET" });
  if (!answer.ok) throw new Error(await refusalOf(answer));
  return { body: (await answer.json()) as Body, headers: answer.headers };
}

/** Goes on with the session that this browser has. */
export function restore(): void {
  addEventListener("storage", ({ key }) => {
    if (key === NAME) follow();
  });
  follow();
}

/** As another tab, or an earlier visit, has left it. */
function follow(): void {
  const kept = keptIdentity();
  if (!kept) enter(undefined, hasEnded.get() || localStorage.getItem(NAME) !== null);
  else if (JSON.stringify(kept) !== JSON.stringify(identity.get())) enter(kept, false);
}

/** Undefined when it is over. */
function keptIdentity(): Identity | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME) ?? "null") as Identity | null;
    const isOver = kept?.expires_at && Date.parse(kept.expires_at) <= Date.now();
    return !kept || isOver || !Array.isArray(kept.scopes) ? undefined : kept;
  } catch {
    return undefined;
  }
}

let end: ReturnType<typeof setTimeout> | undefined;
/** Longer ones would not wait at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function enter(whose: Identity | undefined, ended: boolean): void {
  clearTimeout(end);
  if (whose?.expires_at) {
    const leftMs = Date.parse(whose.expires_at) - Date.now();
    end = setTimeout(() => leave(true), Math.min(leftMs, LONGEST_TIMER_MS));
  }
  hasEnded.set(ended);
  identity.set(whose);
  session.set(whose && newClient());
}

function leave(ended: boolean): void {
  if (!session.get()) return;
  localStorage.removeItem(NAME);
  enter(undefined, ended);
}

/** @returns why it was refused; undefined when it was not */
export async function signIn(key: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${apiUrl}/session`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ key }),
    });
    if (!answer.ok) return await refusalOf(answer);
    // It shows, too, whether the browser has kept the cookie.
    const whose = await newClient().identity();
    localStorage.setItem(NAME, JSON.stringify(whose));
    enter(whose, false);
    return undefined;
  } catch (error) {
    if (error instanceof TickworkApiError && error.status === 401)
      return "This browser does not keep the session. Away from localhost, the address must begin with https://.";
    return messageOf(error);
  }
}

async function refusalOf(answer: Response): Promise<string> {
  const { error } = ((await answer.json().catch(() => ({}))) ?? {}) as {
    error?: { code?: string; message?: string };
  };
  if (error?.code === "key_wrong") return "This key is not known here.";
  if (error?.code === "key_expired") return "This key has expired.";
  return error?.message ?? `The server answered with ${answer.status}.`;
}

/** @throws when the server could not be told: the cookie would stay */
export async function signOut(): Promise<void> {
  const answer = await fetch(`${apiUrl}/session`, { method: "DELETE" });
  if (!answer.ok) throw new Error(await refusalOf(answer));
  leave(false);
}

export function messageOf(error: unknown): string {
  if (error instanceof TickworkApiError && error.issues?.length)
    return error.issues.map(({ path, message }) => `${path} ${message}`).join("; ");
  return error instanceof Error ? error.message : String(error);
}
