/** A server with something to see: what runs, waits, ended and failed. */
import type { AddressInfo } from "node:net";
import * as v from "valibot";
import { createApp } from "#api";
import { defineTask } from "#core";
import { definitions as shipped } from "#tasks";
import { closeHttp, createHttpServer, listen } from "../../../packages/local/http.ts";
import { openTestBed } from "../bed/bed.ts";

export const KEY = "the-key-of-the-test";

const sendReport = defineTask({
  type: "send_report",
  data: v.object({
    to: v.pipe(v.string(), v.email(), v.description("Who gets it.")),
    format: v.optional(v.picklist(["pdf", "csv"]), "pdf"),
    pages: v.optional(v.pipe(v.number(), v.integer())),
    urgent: v.optional(v.boolean()),
  }),
  maxAttempts: 3,
  timeoutSeconds: 120,
  backoffMs: () => 1,
  async run({ to }) {
    if (to.startsWith("nobody")) {
      const message = `550 no mailbox ${to}`;
      // The same on every machine, for the pictures.
      const stack = `Error: ${message}\n    at deliver (tasks/mail.ts:31:11)\n    at async run (tasks/send-report.ts:14:3)`;
      throw Object.assign(new Error(message), { code: "no_mailbox", stack });
    }
    return { delivered: to };
  },
});

/** Runs until `finish` is called. */
function syncing(starts: { finish(): void }[]) {
  return defineTask({
    type: "sync_invoices",
    async run(_: unknown, { progress }) {
      await progress(0.42);
      await new Promise<void>((finish) => starts.push({ finish }));
      return { invoices: 12 };
    },
  });
}

/** What has happened in the last hours, as rows; `n` of it. */
const HISTORY = `insert into "baasix_Tasks" (rev, type, task_status, scheduled_time, "createdAt", started_at, finished_at, attempts, task_data, result_data, error_data, lateness)
  select 1, type, status::"enum_baasix_Tasks_task_status", at, at - interval '1 minute', at + late, at + late + interval '1 ms' * (300 + n * 37 % 4000), 1,
    json_build_object('to', 'user' || n || '@example.com', 'format', 'pdf'),
    case when status = 'Completed' then json_build_object('delivered', 'user' || n || '@example.com') end,
    case when status = 'Error' then json_build_object('message', case n % 3 when 0 then 'connect ETIMEDOUT 10.0.0.7:25' when 1 then '550 mailbox is full' else 'The invoice has no address' end,
      'name', 'Error', 'attempts', 1, 'stack', 'Error: connect ETIMEDOUT' || chr(10) || '    at send (report.ts:14:9)') end,
    case when late > interval '1 s' then json_build_object('ms', extract(epoch from late) * 1000, 'reason', 'flag_held')::jsonb end
  from (select n, case when n % 5 < 3 then 'send_report' when n % 5 = 3 then 'sync_invoices' else 'http_request' end as type,
      case when n % 17 = 0 then 'Error' else 'Completed' end as status,
      now() - interval '1 second' * (20 + 10600 * (n::float8 / $1::int) * (1 + 0.3 * sin(n / 9.0)) / 1.3) as at,
      case when n % 29 = 0 then interval '1 ms' * (1500 + n * 131 % 9000) else interval '0' end as late
    from generate_series(1, $1::int) n) one order by at`;

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** @param ended how many tasks have ended before */
export async function openStage({ ended = 0 } = {}) {
  const bed = await openTestBed("embedded");
  const starts: { finish(): void }[] = [];
  const tickwork = bed.make({
    env: { API_KEY: KEY },
    definitions: [...shipped, sendReport, syncing(starts)],
  });
  const http = createHttpServer(createApp(tickwork));
  await listen(http, { host: "127.0.0.1", port: 0 });
  if (ended > 0) {
    // The trigger would have them end now.
    await bed.sql(`alter table "baasix_Tasks" disable trigger all`);
    await bed.sql(HISTORY, [ended]);
    await bed.sql(`alter table "baasix_Tasks" enable trigger all`);
    await bed.sql(`analyze "baasix_Tasks"`);
  }
  await tickwork.worker.refresh();
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    bed,
    tickwork,
    starts,
    async close() {
      for (const { finish } of starts.splice(0)) finish();
      await closeHttp(http);
      await tickwork.worker.shutdown();
      await bed.close();
    },
  };
}

/** Calls the API as programs do. */
export const caller =
  ({ url }: Pick<Stage, "url">) =>
  async (method: string, path: string, body?: unknown, key = KEY, user?: string) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, ...(user && { "Tickwork-User": user }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : undefined };
  };

/** Over HTTP, so that it is noted who did it. */
const done =
  (stage: Pick<Stage, "url">) => async (method: string, path: string, body?: unknown, user?: string) => {
    const { status, body: answer } = await caller(stage)(method, path, body, KEY, user);
    if (status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  };

export const pauseRequests = (stage: Pick<Stage, "url">) =>
  done(stage)("PUT", "/pauses", { type: "http_request", reason: "the partner moves its servers" }, "grace");

/** What recurs, who may call, and what was changed. */
export async function addOperations(stage: Stage) {
  const call = done(stage);
  const report = { type: "send_report", task_data: { to: "sales@example.com" } };
  await call("PUT", "/schedules/nightly report", {
    ...report,
    cron: "0 3 * * *",
    time_zone: "Europe/Berlin",
  });
  await call(
    "PUT",
    "/schedules/invoices",
    { type: "sync_invoices", every_seconds: 3_600, overlap: "skip" },
    "ada",
  );
  await call("PUT", "/schedules/ping the partner", {
    type: "http_request",
    task_data: { url: "https://partner.example.com/ping" },
    cron: "*/10 8-18 * * MON-FRI",
    time_zone: "America/New_York",
  });
  await call("PUT", "/schedules/ping the partner", { paused: true }, "grace");
  await call("PUT", "/limits", { queue: "mail", concurrency: 2, rate: { starts: 100, period_seconds: 60 } });
  await call("PUT", "/limits", { concurrency_key: "*", concurrency: 1 });
  await call("PUT", "/limits", { type: "http_request", rate: { starts: 5, period_seconds: 1, burst: true } });
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  await call("POST", "/keys", { name: "shop", scopes: ["read", "write"], expires_at: inDays(90) });
  await call("POST", "/keys", { name: "status page", scopes: ["read"] });
  await call("POST", "/keys", { name: "ada", scopes: ["read", "write", "admin"], expires_at: inDays(30) });
  await call("POST", "/schedules/nightly report/run");
  await until(async () => (await stage.tickwork.schedules.get("nightly report")).last !== null);
}

/** Adds one that runs, one that failed in all of its attempts, and some that wait. */
export async function addPresent({ tickwork, starts }: Stage) {
  const [failing] = await tickwork.tasks.create([
    { type: "send_report", task_data: { to: "nobody@example.com" } },
  ]);
  const failed = failing?.id ?? 0;
  await until(async () => (await tickwork.tasks.get(failed)).task_status === "Error");
  const [running] = await tickwork.tasks.create([
    { type: "sync_invoices", task_data: { since: "2026-11-01" } },
  ]);
  await until(async () => starts.length > 0);
  await tickwork.tasks.create(
    Array.from({ length: 40 }, (_, n) => ({
      type: "send_report",
      task_data: { to: `later${n}@example.com` },
      scheduled_time: new Date(Date.now() + (n % 8 < 6 ? 20 : 130) * 60_000 + n * 47_000),
    })),
  );
  return { failed, running: running?.id ?? 0 };
}

async function until(is: () => Promise<boolean>): Promise<void> {
  const limitMs = Date.now() + 20_000;
  while (!(await is())) {
    if (Date.now() > limitMs) throw new Error("the stage was not set within 20 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
