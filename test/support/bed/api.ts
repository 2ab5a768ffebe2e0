import { afterAll, afterEach, beforeAll } from "vitest";
import { createApp } from "#api";
import type { Task, TaskDefinition } from "#core";
import { definitions } from "#tasks";
import { type MadeTickwork, openTestBed, type TestBed } from "./bed.ts";
import { noteRings } from "./doorbells.ts";
import { gated, noting } from "./tasks.ts";

export interface Answer<Body> {
  status: number;
  body: Body;
  headers: Headers;
}

export interface ErrorBody {
  error: { code: string; message: string; issues?: { path: string; message: string }[] };
}

export const KEY = "the-key-of-the-test";

/**
 * The API over an embedded stack, anew for each test; nothing ticks unless the test does. It knows the types that ship,
 * `note`, `sealed`, which is encrypted, and `gated`, whose handlers wait in `starts`.
 */
export function apiBed() {
  const { starts, definition: waits } = gated();
  const sealed: TaskDefinition = { ...noting("sealed").definition, encrypt: true };
  let bed: TestBed;
  let tickwork: MadeTickwork;
  let app: ReturnType<typeof createApp>;
  beforeAll(async () => {
    bed = await openTestBed("embedded");
    renew();
  });
  const renew = () => {
    tickwork = bed.make({
      doorbell: noteRings(),
      definitions: [...definitions, noting().definition, waits, sealed],
      env: { TASK_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString("base64")}` },
    });
    app = createApp({ ...tickwork, config: { apiKey: KEY } });
  };
  afterEach(async () => {
    starts.length = 0;
    await bed.clear();
    renew();
  });
  afterAll(() => bed?.close());

  async function call<Body = ErrorBody>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const sent = {
      ...("authorization" in headers ? {} : { authorization: `Bearer ${KEY}` }),
      "content-type": "application/json",
      ...headers,
    };
    const response = await app.request(path, {
      method,
      headers: sent,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text ? JSON.parse(text) : undefined) as Body,
      headers: response.headers,
    };
  }

  return {
    starts,
    get bed() {
      return bed;
    },
    get tickwork() {
      return tickwork;
    },
    get app() {
      return app;
    },
    call,
    post: <Body = Task>(path: string, body?: unknown, headers?: Record<string, string>) =>
      call<Body>("POST", path, body, headers),
    get: <Body>(path: string) => call<Body>("GET", path),
    patch: (path: string, body: unknown) => call("PATCH", path, body),
    put: <Body = ErrorBody>(path: string, body: unknown) => call<Body>("PUT", path, body),
    delete: <Body = ErrorBody>(path: string) => call<Body>("DELETE", path),
  };
}
