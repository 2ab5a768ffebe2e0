/** One request to the API, repeated where that is safe, until it is answered or its time is over. */
import { failureOf, parseJson } from "./answer.ts";
import { TickworkApiError, TickworkNetworkError, TickworkTimeoutError } from "./errors.ts";
import { pause, within } from "./pause.ts";
import { isTransient, pauseBefore, wasNotDone } from "./repetition.ts";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call at once; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that the call may take, with all its repetitions. Default: the client's `timeoutMs`. */
  timeoutMs?: number | undefined;
}

/** What calls that change something take. */
export interface ChangeOptions extends CallOptions {
  /** Who asks: kept in `userCreated_Id` or `userUpdated_Id`, 1 to 255 characters. Tickwork does not check it. */
  userId?: string | undefined;
}

/** How a client sends its requests. */
export interface SendSettings {
  url: string;
  apiKey: string | undefined;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** What all requests have in common. */
  init: RequestInit;
  timeoutMs: number;
  attemptTimeoutMs: number;
  retries: number;
}

export interface ApiRequest<Answer> {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  /** JSON. */
  body?: string | undefined;
  userId?: string | undefined;
  idempotencyKey?: string;
  /** It is repeated also when it may have been carried out. */
  idempotent?: boolean;
  /** Takes an error that comes after an answer was lost: throws it, or returns what the request had achieved by then. */
  afterLoss?: (error: TickworkApiError) => Promise<Answer>;
  /** Whether the body of an error is an answer all the same. */
  isAnswer?: (body: object) => boolean;
}

/** How one call differs from the client's others. */
export interface SendOptions extends CallOptions {
  retries?: number;
}

export type Send = <Answer>(request: ApiRequest<Answer>, options?: SendOptions) => Promise<Answer>;

/**
 * Makes the function that sends requests. A request fails for good when the API refuses it, when its repetitions are
 * used up, or when the next pause does not fit into its time.
 */
export function createSend(settings: SendSettings): Send {
  return async (request, { signal, timeoutMs = settings.timeoutMs, retries = settings.retries } = {}) => {
    const headers = headersOf(request, settings.apiKey);
    const untilMs = Date.now() + timeoutMs;
    let mayBeDone = false;
    let cause: unknown;
    for (let repetition = 0; ; repetition++) {
      const leftMs = untilMs - Date.now();
      const isLast = repetition >= retries || !request.idempotent;
      try {
        return await within(
          isLast ? leftMs : Math.min(leftMs, settings.attemptTimeoutMs),
          signal,
          (aborted) => attempt(settings, request, headers, aborted),
          () =>
            new TickworkTimeoutError(`${nameOf(request)} was not answered within ${timeoutMs} ms.`, {
              cause,
            }),
        );
      } catch (error) {
        if (!isTransient(error)) {
          if (!mayBeDone || !request.afterLoss || !(error instanceof TickworkApiError)) throw error;
          return request.afterLoss(error);
        }
        const isSafe = request.idempotent || wasNotDone(error);
        const pauseMs = pauseBefore(repetition, error);
        if (!isSafe || repetition >= retries || Date.now() + pauseMs >= untilMs) throw error;
        mayBeDone ||= !wasNotDone(error);
        cause = error;
        await pause(pauseMs, signal);
      }
    }
  };
}

async function attempt<Answer>(
  { url, fetch, init }: SendSettings,
  request: ApiRequest<Answer>,
  headers: Headers,
  signal: AbortSignal,
): Promise<Answer> {
  const { method, path, body = null } = request;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url + path, { ...init, method, headers, body, signal });
    text = await response.text();
  } catch (cause) {
    throw new TickworkNetworkError(`Tickwork at ${url} does not answer: ${reasonOf(cause)}.`, { cause });
  }
  const answer = parseJson(text);
  const isAnswer = response.ok ? answer !== undefined : request.isAnswer?.(Object(answer));
  if (isAnswer || response.status === 204) return answer as Answer;
  throw failureOf(nameOf(request), response, text, answer);
}

const nameOf = ({ method, path }: ApiRequest<unknown>) => `${method} ${path}`;

/** Node says only in the cause what happened. */
function reasonOf(thrown: unknown): string {
  const { message, cause } = Object(thrown) as {
    message?: string;
    cause?: { message?: string; code?: string };
  };
  return [message, cause?.message || cause?.code].filter(Boolean).join(": ");
}

/** What the API accepts as the value of a header: text without control characters. */
const HEADER_VALUE = /^\P{Cc}{1,255}$/u;

function headersOf(
  { body, userId, idempotencyKey }: ApiRequest<unknown>,
  apiKey: string | undefined,
): Headers {
  const headers = new Headers();
  if (apiKey !== undefined) headers.set("Authorization", `Bearer ${apiKey}`);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const setChecked = (name: string, value: string | undefined) => {
    if (value === undefined) return;
    if (!HEADER_VALUE.test(value))
      throw new TypeError(
        `${name} must have 1 to 255 characters, none of control, got ${JSON.stringify(value)}.`,
      );
    // A header is bytes, which `fetch` takes as characters of Latin-1.
    headers.set(name, String.fromCharCode(...new TextEncoder().encode(value)));
  };
  setChecked("Tickwork-User", userId);
  setChecked("Idempotency-Key", idempotencyKey);
  return headers;
}
