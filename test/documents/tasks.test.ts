/** What docs/tasks.md says of its tasks is what they do. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import type { Definitions } from "#core";
import { createTestTickwork, type TestTickwork } from "#testing";
import { embeddedConnectBed } from "../support/connect/describe-connections.ts";
import { writeProgram } from "../support/documents.ts";
import { serveWeb } from "../support/lambda/web-server.ts";

/** Often enough for a test, since nobody tells the server. */
const REFRESH_MS = 100;

const folder = writeProgram("docs/tasks.md");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noExplicitAny: the document is not known to the compiler here
const file = async (name: string): Promise<any> => import(join(folder, name));

const opened: TestTickwork[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});
async function open(...definitions: Definitions) {
  const tickwork = await createTestTickwork({ definitions, now: "2026-11-24T09:00:00Z" });
  opened.push(tickwork);
  return tickwork;
}

const bed = embeddedConnectBed();

test("it is enqueued from a process of one's own, and its result awaited", async () => {
  const { greet } = await file("tasks.ts");
  const { worker } = await bed.startServer([greet]);
  vi.stubEnv("DATABASE_URL", bed.databaseUrl);
  const refreshing = setInterval(() => void worker.refresh().catch(() => {}), REFRESH_MS);
  try {
    const { enqueueSome, close } = await file("enqueue.ts");
    expect(await enqueueSome()).toBe("Hello Ada");
    await close();
  } finally {
    clearInterval(refreshing);
    vi.unstubAllEnvs();
  }
});

test("a handler that throws is tried again, when whoever was asked says so, or never", async () => {
  const { charge } = await file("failing.ts");
  const web = await serveWeb();
  const statuses = [500, 429, 200];
  web.answer = () => ({ status: statuses.shift() ?? 404, headers: { "retry-after": "90" } });
  const tickwork = await open(charge);
  const task = await tickwork.enqueue("charge", { url: web.url });
  await tickwork.runDue();
  // The pause that its definition says: ten seconds.
  expect(await tickwork.tasks.get(task.id)).toMatchObject({ scheduled_time: "2026-11-24T09:00:10.000Z" });
  await tickwork.advance("10 seconds");
  // The one that was asked for: 90 seconds.
  expect(await tickwork.tasks.get(task.id)).toMatchObject({ scheduled_time: "2026-11-24T09:01:40.000Z" });
  await tickwork.advance("90 seconds");
  expect(await tickwork.result(task)).toEqual({ charged: true });
  const hopeless = await tickwork.enqueue("charge", { url: web.url });
  await tickwork.runDue();
  expect(await tickwork.tasks.get(hopeless.id)).toMatchObject({
    task_status: "Error",
    attempts: 1,
    error_data: { code: "no_account", message: "no such account" },
  });
  await web.close();
});

test("work that is done twice under the task's id is noticed", async () => {
  const { payout, bank } = await file("payout.ts");
  const tickwork = await open(payout);
  const task = await tickwork.enqueue("payout", { cents: 500 });
  expect((await tickwork.advance("1 minute")).ran).toHaveLength(2);
  expect([...bank.paid]).toEqual([[`payout-${task.id}`, 500]]);
});

test("it reports how far it is, and stops when it is asked", async () => {
  const { report } = await file("report.ts");
  const tickwork = await open(report);
  const task = await tickwork.enqueue("report", { pages: 4 });
  expect(await tickwork.result(task)).toEqual({ pages: 4 });
  expect(await tickwork.tasks.get(task.id)).toMatchObject({ progress: 1 });
  expect(tickwork.logged.filter(({ message }) => message === "page made")).toHaveLength(4);
  const { lazyReport } = await file("lazy.ts");
  const lazily = await open(lazyReport);
  expect(await lazily.result(await lazily.enqueue("report", { pages: 1 }))).toEqual({ pages: 1 });
});

test("a task makes tasks once, and a chain goes on every day", async () => {
  const { mail, newsletter, digest } = await file("chain.ts");
  const tickwork = await open(mail, newsletter, digest);
  const first = await tickwork.enqueue("newsletter", { readers: ["ada", "grace"] });
  expect((await tickwork.runDue()).failures).toEqual([]);
  await tickwork.tasks.retry(first.id);
  await tickwork.runDue();
  expect(await tickwork.enqueued({ type: "mail" })).toHaveLength(2);
  await tickwork.enqueue("digest");
  const { ran } = await tickwork.advance("3 days");
  expect(ran.map(({ type }) => type)).toEqual(["digest", "digest", "digest", "digest"]);
});

test("short tasks run in batches, and many in one call", async () => {
  const { visit, visits } = await file("batches.ts");
  const { notify } = await file("run-many.ts");
  const tickwork = await open(visit, notify);
  await tickwork.enqueueMany(visit, [{ data: { page: "/" } }, { data: { page: "/about" } }]);
  const addresses = ["ada@example.com", "nobody", "alan@example.com"];
  await tickwork.enqueueMany(
    notify,
    addresses.map((to) => ({ data: { to } })),
  );
  await tickwork.runDue();
  expect([...visits.keys()]).toEqual(["/ 1", "/about 2"]);
  const rows = await tickwork.tasks.list({ type: "notify", limit: 3 });
  expect(rows.map(({ task_status }) => task_status)).toEqual(["Completed", "Error", "Completed"]);
  expect(rows[0]?.result_data).toEqual({ sent: "alan@example.com" });
  expect(rows[1]?.error_data).toMatchObject({ message: "nobody is no address" });
});
