import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach } from "vitest";
import { createApp } from "#api";
import { type ClientOptions, createClient } from "#client";
import { closeHttp, createHttpServer, listen } from "../../../packages/local/http.ts";
import type { MadeTickwork, TestBed } from "../bed/bed.ts";
import { gated } from "../bed/tasks.ts";
import { type Front, openFront } from "./front.ts";
import * as tasks from "./tasks.ts";

export const KEY = "the-key-of-the-test";

/**
 * The API on a real socket for each test, with a front before it that misbehaves as the test says. It knows the types
 * of
 * `tasks.ts` and `gated`, whose handlers wait in `starts`. What is due runs by itself.
 */
export function clientBed(bed: TestBed) {
  const { starts, definition: waits } = gated();
  let tickwork: MadeTickwork;
  let http: Server;
  let front: Front;
  beforeEach(async () => {
    tickwork = bed.make({
      env: { API_KEY: KEY },
      definitions: [tasks.greet, tasks.fail, tasks.slow, waits],
    });
    http = createHttpServer(createApp(tickwork));
    await listen(http, { host: "127.0.0.1", port: 0 });
    front = await openFront(() => `http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  });
  afterEach(async () => {
    for (const { finish } of starts.splice(0)) finish();
    await front.close();
    await closeHttp(http);
  });
  return {
    starts,
    get front() {
      return front;
    },
    get tickwork() {
      return tickwork;
    },
    /** A client of the API behind the front. */
    client: (options: Partial<ClientOptions> = {}) =>
      createClient<typeof tasks>({ url: front.url, apiKey: KEY, ...options }),
    /** The same, of any type of task. */
    anyClient: (options: Partial<ClientOptions> = {}) =>
      createClient({ url: front.url, apiKey: KEY, ...options }),
    /** How many tasks there are. */
    count: async () => (await bed.sql(`select from "baasix_Tasks"`)).length,
  };
}
