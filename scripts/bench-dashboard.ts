/**
 * `npm run bench:dashboard`: how soon the dashboard is there, and how long it waits for its answers, beside a million tasks
 * on the real PostgreSQL and Redis of this machine. Fails when an answer takes more than 300 ms, or the first paint a
 * second.
 */
import type { AddressInfo } from "node:net";
import { createApp } from "#api";
import { createClient } from "#client";
import {
  createDatabase,
  createRedisCommands,
  createTickwork,
  migrate,
  readConfig,
  silent,
  systemClock,
} from "#core";
import { openIoredis, openPg } from "#drivers";
import { closeHttp, createHttpServer, listen } from "../packages/local/http.ts";
import { chromiumPath, openChromium } from "../test/support/dashboard/chromium.ts";
import {
  createDatabase as createScratch,
  randomName,
  redisServerUrl,
  serversAnswer,
} from "./local-servers.ts";
import { median } from "./median.ts";

const TASKS = 1_000_000;
const ROUNDS = 9;
const ANSWER_LIMIT_MS = 300;
const PAINT_LIMIT_MS = 1_000;
const KEY = "bench";

if (!serversAnswer) {
  console.error("No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379.");
  process.exit(1);
}
const scratch = await createScratch();
const postgres = await openPg(scratch.url);
const redis = await openIoredis(redisServerUrl);
const prefix = randomName();
const database = createDatabase(postgres, systemClock);
const sql = (text: string) => postgres.query({ text, params: [] }, new AbortController().signal);
await migrate(database, silent);
await sql(`alter table "baasix_Tasks" disable trigger all`);
// A fifth is in queues, and has keys.
await sql(`insert into "baasix_Tasks" (type, rev, task_data, task_status, scheduled_time, started_at, finished_at, queue, concurrency_key, lane)
  select 'type ' || n % 300, 1, json_build_object('to', 'user' || n || '@example.com'), s::"enum_baasix_Tasks_task_status",
    now() + (n - ${TASKS / 2}) * interval '30 ms', case when s <> 'Not started' then now() end,
    case when s <> 'Not started' then now() - (${TASKS} - n) * interval '20 ms' end,
    case when n % 5 = 0 then 'queue ' || n % 20 end, case when n % 5 = 0 then 'key ' || n % 1000 end,
    case when n % 5 = 0 then md5((n % 1000)::text)::uuid end
  from (select n, case when n % 50 = 0 then 'Error' when n % 3 = 0 then 'Not started' else 'Completed' end as s
    from generate_series(1, ${TASKS}) n) one`);
await sql(`alter table "baasix_Tasks" enable trigger all`);
await sql(`vacuum analyze "baasix_Tasks"`);
const tickwork = createTickwork({
  config: readConfig({ API_KEY: KEY }),
  log: silent,
  database,
  redis: createRedisCommands(redis),
  doorbell: { earlyMs: 0, ring: async () => {}, ringAt: async () => {}, ringAfter: async () => {} },
  prefix,
  definitions: [],
});
await tickwork.worker.refresh();
const http = createHttpServer(createApp(tickwork));
await listen(http, { host: "127.0.0.1", port: 0 });
const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
const client = createClient({ url, apiKey: KEY });

const QUESTIONS: Record<string, () => Promise<unknown>> = {
  overview: () => client.overview(),
  "overview of 24 hours": () => client.overview({ minutes: 1_440 }),
  health: () => client.health(),
  "tasks, the newest": () => client.listPage(),
  "tasks that failed": () => client.listPage({ status: "Error" }),
  "tasks of a type": () => client.listPage({ type: "type 7" }),
  "tasks of a type that failed": () => client.listPage({ type: "type 50", status: "Error" }),
  "tasks, the oldest first": () => client.listPage({ sort: "created" }),
  "what waits, due first": () => client.listPage({ status: "Not started", sort: "due" }),
  "what waits, due last": () => client.listPage({ status: "Not started", sort: "-due" }),
  "what waits of a type, due first": () =>
    client.listPage({ status: "Not started", type: "type 7", sort: "due" }),
  "what completed, ended last": () => client.listPage({ status: "Completed", sort: "-finished" }),
  "what failed, ended first": () => client.listPage({ status: "Error", sort: "finished" }),
  "tasks in a queue": () => client.listPage({ queue: "queue 7" }),
  "tasks in a queue, due first": () =>
    client.listPage({ status: "Not started", queue: "queue 7", sort: "due" }),
  "tasks of a key": () => client.listPage({ concurrency_key: "key 77" }),
  "tasks of a key that none has": () => client.listPage({ concurrency_key: "nobody" }),
  "tasks with no attempts left": () => client.listPage({ dead: true }),
  "tasks that wait for code": () => client.listPage({ waiting_for_code: true }),
  "tasks created in a time": () => client.listPage({ created_from: "2020-01-01T00:00:00Z" }),
  "tasks due in a time, of which there are none": () =>
    client.listPage({ status: "Completed", scheduled_from: "2999-01-01T00:00:00Z" }),
  "tasks with a text": () => client.listPage({ text: "USER999000@" }),
  "tasks with a text that none has": () => client.listPage({ text: "nobody" }),
  "a task": () => client.get(500_000),
  "types, a page": () => client.types(),
  limits: () => client.limits.list(),
};
let failed = false;
const tell = (name: string, ms: number, limitMs: number) => {
  failed ||= ms > limitMs;
  console.log(`| ${name} | ${ms.toFixed(0)} ms | ${limitMs} ms |`);
};
try {
  console.log("| | median | at most |\n| --- | ---: | ---: |");
  for (const [name, question] of Object.entries(QUESTIONS)) {
    await question();
    const took: number[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      const began = performance.now();
      await question();
      took.push(performance.now() - began);
    }
    tell(name, median(took), ANSWER_LIMIT_MS);
  }
  if (chromiumPath) await paint();
  else console.log("There is no Chromium here, so no first paint.");
} finally {
  await closeHttp(http);
  const keys = (await redis.call(["KEYS", `{${prefix}}:*`])) as string[];
  if (keys.length > 0) await redis.call(["DEL", ...keys]);
  await Promise.all([postgres.close(), redis.close()]);
  await scratch.drop();
}
process.exit(failed ? 1 : 0);

/** In a tab that has never been there: until something is seen, and until the numbers are. */
async function paint(): Promise<void> {
  const browser = await openChromium();
  const first: number[] = [];
  const whole: number[] = [];
  for (let n = 0; n < ROUNDS; n++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    // Signed in, as the form does it.
    const answer = await context.request.post(`${url}/session`, { data: { key: KEY } });
    const kept = ["tickwork.session", JSON.stringify(await answer.json())] as const;
    await context.addInitScript(([name, value]) => localStorage.setItem(name, value), kept);
    await page.goto(url);
    await page.waitForSelector(".tile-count");
    const [paintedMs, shownMs] = await page.evaluate(() => [
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.POSITIVE_INFINITY,
      performance.now(),
    ]);
    first.push(paintedMs);
    whole.push(shownMs);
    await context.close();
  }
  await browser.close();
  tell("first paint", median(first), PAINT_LIMIT_MS);
  tell("first paint with its numbers", median(whole), PAINT_LIMIT_MS);
}
