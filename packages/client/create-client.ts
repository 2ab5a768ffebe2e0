import type { ApiKey, Health, Task, TaskErrorCode } from "#core";
import { batchesOf, jsonOf } from "./batches.ts";
import { createClientBulk } from "./bulk.ts";
import type { Client } from "./client.ts";
import { createClientLimits } from "./limits.ts";
import { type ChangeOptions, createSend, type SendOptions } from "./request.ts";
import { createClientSchedules } from "./schedules.ts";
import type { AnyDefinitions, TaskRef } from "./typed-tasks.ts";
import { waitForEnd } from "./wait.ts";

/** Where a client finds Tickwork, and how patient it is. */
export interface ClientOptions {
  /** Where Tickwork answers: `http://127.0.0.1:3000`, `https://example.com/tickwork`. In a browser, a path will do. */
  url: string;
  /**
   * An API key. That of the environment may do everything, so no browser must have it: leave it out there, and have
   * your own server stand in between and add it.
   */
  apiKey?: string | undefined;
  /** In place of the global `fetch`. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Milliseconds that a call may take, with all its repetitions. Default: 60,000. */
  timeoutMs?: number | undefined;
  /** Milliseconds that one request may take before it is given up and repeated, if that is safe. Default: 15,000. */
  attemptTimeoutMs?: number | undefined;
  /** How often a request is repeated at most. Default: 4. */
  retries?: number | undefined;
}

/**
 * A client of Tickwork's HTTP API, for Node, Bun, Deno, Workers and browsers. The definitions are imported as types
 * only: no handler is loaded.
 *
 * @throws TypeError when `url` or `apiKey` cannot be used
 * @example
 * const client = createClient<typeof import("./tasks.ts")>({ url: "http://127.0.0.1:3000", apiKey: "secret" });
 */
export function createClient<Definitions = AnyDefinitions>(options: ClientOptions): Client<Definitions> {
  const { apiKey, timeoutMs = 60_000, attemptTimeoutMs = 15_000, retries = 4 } = options;
  if (apiKey !== undefined && !/^[!-~]+$/.test(apiKey))
    throw new TypeError("apiKey must be the API key of the deployment: ASCII characters without blanks.");
  const send = createSend({
    url: baseOf(options.url),
    apiKey,
    // Looked up for each request: tests and frameworks replace it.
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    init: commonInit(),
    timeoutMs,
    attemptTimeoutMs,
    retries,
  });

  const read = <Answer>(path: string, options?: SendOptions) =>
    send<Answer>({ method: "GET", path, idempotent: true }, options);

  /** What may be carried out twice. */
  const change = <Answer>(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    options?: SendOptions,
    body?: string,
  ) => send<Answer>({ method, path, body, idempotent: true }, options);

  const post = <Created>(body: string, idempotencyKey: string, options: ChangeOptions = {}) =>
    send<Created>(
      { method: "POST", path: "/tasks", body, idempotencyKey, userId: options.userId, idempotent: true },
      options,
    );

  const client: Client = {
    create: async (task, options) => post(jsonOf(task), options?.idempotencyKey ?? newKey(), options),

    async createMany(tasks, options) {
      const created: Task[] = [];
      for (const { body, key } of batchesOf(tasks, options?.idempotencyKey ?? newKey()))
        created.push(...(await post<Task[]>(body, key, options)));
      return created as never;
    },

    get: (task, options) => read(pathOf(task), options),

    async *list({ pageSize, ...filter } = {}, options) {
      let cursor: string | undefined;
      do {
        const page = await client.listPage({ ...filter, limit: pageSize, cursor }, options);
        yield* page.tasks;
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
    },

    listPage: async (filter = {}, options) => read(`/tasks${queryOf(filter)}`, options),

    update: async (task, changes, options) =>
      send({ method: "PATCH", path: pathOf(task), body: jsonOf(changes), userId: options?.userId }, options),

    remove: (task, options) =>
      send<void>(
        {
          method: "DELETE",
          path: pathOf(task),
          idempotent: true,
          afterLoss: async (error) => {
            if (error.code !== "task_not_found") throw error;
          },
        },
        options,
      ),

    retry: (task, options) =>
      send({ method: "POST", path: `${pathOf(task)}/retry`, userId: options?.userId }, options),

    cancel: (task, options) =>
      send(
        {
          method: "POST",
          path: `${pathOf(task)}/cancel`,
          userId: options?.userId,
          idempotent: true,
          afterLoss: async (error) => {
            const found = error.code === "task_finished" ? await client.get(task, options) : undefined;
            const { code } = Object(found?.error_data) as { code?: unknown };
            if (!found || code !== ("cancelled" satisfies TaskErrorCode)) throw error;
            return found as never;
          },
        },
        options,
      ),

    waitFor: (task, options = {}) =>
      waitForEnd(idOf(task), (how) => read(pathOf(task), how), options) as Promise<never>,

    ...createClientBulk(send, newKey),

    pause: (target, { reason, ...options } = {}) =>
      change("PUT", "/pauses", options, jsonOf({ ...target, reason })),

    resume: (target, options) => change("DELETE", `/pauses${queryOf(target)}`, options),

    pauses: (options) => read("/pauses", options),

    schedules: createClientSchedules(send),
    limits: createClientLimits(send),

    stats: (options) => read("/tasks/stats", options),

    health: (options) =>
      send<Health>(
        { method: "GET", path: "/health/tasks", idempotent: true, isAnswer: (body) => "healthy" in body },
        options,
      ),

    refresh: (options) => change("POST", "/tasks/refresh", options),

    identity: (options) => read("/session", options),

    createKey: async (key, options) =>
      send({ method: "POST", path: "/keys", body: jsonOf(key), userId: options?.userId }, options),

    keys: async (options) => (await read<{ keys: ApiKey[] }>("/keys", options)).keys,

    deleteKey: (id, options) =>
      send<void>(
        {
          method: "DELETE",
          path: `/keys/${encodeURIComponent(id)}`,
          userId: options?.userId,
          idempotent: true,
          afterLoss: async (error) => {
            if (error.code !== "key_not_found") throw error;
          },
        },
        options,
      ),

    audit: (page = {}, options) => read(`/audit${queryOf(page)}`, options),
    overview: ({ minutes, ...options } = {}) => read(`/tasks/overview${queryOf({ minutes })}`, options),

    types: ({ limit, after, ...options } = {}) => read(`/types${queryOf({ limit, after })}`, options),

    type: (name, options) => read(`/types/${encodeURIComponent(name)}`, options),

    setRunning: (isRunning, options) =>
      send({ method: "PUT", path: "/tasks/running", body: jsonOf({ isRunning }), idempotent: true }, options),

    resetStuck: (options) => send({ method: "POST", path: "/tasks/reset-stuck" }, options),
  };
  return client as unknown as Client<Definitions>;
}

function queryOf(given: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given))
    if (value !== undefined) query.set(name, value instanceof Date ? value.toISOString() : String(value));
  return query.size > 0 ? `?${query}` : "";
}

const idOf = (task: TaskRef): number => (typeof task === "object" ? task.id : task);
const pathOf = (task: TaskRef): string => `/tasks/${encodeURIComponent(idOf(task))}`;

/** Random, and so long that it is nobody else's. Browsers have `randomUUID` only on pages that came over HTTPS. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The address that paths are appended to. */
function baseOf(url: string): string {
  const { location } = globalThis as { location?: { href?: string } };
  let base: URL | undefined;
  try {
    base = new URL(url, location?.href);
  } catch {}
  if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password || base.search || base.hash)
    throw new TypeError(
      `url must be an http or https address without user and query, got ${JSON.stringify(url)?.replace(/\/\/.*@/, "//…@")}.`,
    );
  return base.href.replace(/\/+$/, "");
}

/** A redirect that is followed can turn a POST into a GET. And no answer may come out of a cache, as it does in Next.js. */
function commonInit(): RequestInit {
  const init = { redirect: "manual", cache: "no-store" } as const;
  try {
    new Request("http://localhost", init);
    return init;
  } catch {
    // Older Workers know no caches.
    return { redirect: "manual" };
  }
}
