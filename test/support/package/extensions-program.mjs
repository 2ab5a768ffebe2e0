/**
 * Runs everything that Baasix's documentation shows about tasks, on the package as it is installed, with the real
 * node-schedule and Express. Prints what came of it, as JSON.
 */
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import express from "express";
import schedule from "node-schedule";
import { foreignTask } from "tickwork";
import hooksService from "tickwork/compat/services/HooksService";
import tasksService from "tickwork/compat/services/TasksService";
import { getCache } from "tickwork/compat/utils/cache";
import { getSequelize } from "tickwork/compat/utils/database";
import { createHumanLog, startServer } from "tickwork/local";
import { definitions } from "tickwork/tasks";

const WAIT_LIMIT_MS = 20_000;

/** What the extensions and snippets print. */
const lines = [];
console.log = (...values) => void lines.push(values);
console.error = (...values) => void lines.push(["error", ...values.map(String)]);
const linesOf = async (run) => {
  lines.length = 0;
  await run();
  return [...lines];
};
async function until(condition) {
  const endMs = Date.now() + WAIT_LIMIT_MS;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`${condition} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// The documentation calls these, and leaves them to its reader.
globalThis.processBatchEmails = async () => {};
globalThis.processDataExport = async () => {
  throw new Error("the disk is full");
};
globalThis.processCleanup = async () => {};
/** What `schedules/every-second.js` begins and ends. */
globalThis.begun = 0;
globalThis.done = 0;

/** Types that ship, and that a program of one's own runs here. */
const OURS = ["email_batch", "data_export"];
const server = await startServer({
  env: { ...process.env, PORT: "0" },
  log: createHumanLog({ debugging: false, write: () => {} }),
  definitions: [
    ...definitions.filter(({ type }) => !OURS.includes(type)),
    ...OURS.map((type) => foreignTask({ type })),
  ],
  extensions: "./extensions",
});
const call = async (method, path, body) => {
  const headers = { authorization: `Bearer ${server.apiKey}`, "content-type": "application/json" };
  const response = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) });
  return response.status === 204 ? undefined : response.json();
};
const facts = {};

// The schedule extension.
const { default: job } = await import("./extensions/baasix-schedule-task-processor/index.js");
facts.isJob = job instanceof schedule.Job;
facts.nextInMs = job.nextInvocation().getTime() - Date.now();
// Its own time may come while it is called here.
job.cancelNext();
await call("POST", "/tasks", [{ type: "email_batch" }]);
await until(async () => (await tasksService.getNotStartedTasks()).length === 1);
facts.processed = await linesOf(() => job.invoke());
await call("POST", "/tasks", [{ type: "data_export" }]);
await until(async () => (await tasksService.getNotStartedTasks()).length === 1);
await job.invoke();
facts.afterSchedule = (await call("GET", "/tasks")).tasks.map(({ type, task_status, error_data }) => ({
  type,
  task_status,
  message: error_data?.message,
}));

// The hook extension, and the task that ships for what it creates.
const data = { id: 7, status: "completed", record_count: 2000, temp_files: ["imports/7.csv"] };
facts.hooked = await linesOf(() => call("POST", "/hooks/data_imports/items.create.after", { data }));
await until(async () => (await call("GET", "/tasks/3")).task_status === "Completed");
facts.created = await call("GET", "/tasks/3");

// The snippets, with the variables that they take for granted.
const app = express();
const sequelize = getSequelize();
const TasksModel = sequelize.models.baasix_Tasks;
const given = {
  app,
  tasksService,
  sequelize,
  TasksModel,
  getCache,
  processTask: async () => {},
  // A thousand times as often.
  setInterval: (run, everyMs) => setInterval(run, everyMs / 1000),
};
const AsyncFunction = (async () => {}).constructor;
facts.snippets = {};
for (const name of readdirSync("snippets")) {
  const variables = { ...given, task: await TasksModel.create({ type: "email_batch" }) };
  // Several declare what others take for granted.
  const block = `{\n${readFileSync(`snippets/${name}`, "utf8")}\n}`;
  const snippet = new AsyncFunction(...Object.keys(variables), block);
  facts.snippets[name] = await linesOf(() => snippet(...Object.values(variables)));
  await TasksModel.update({ task_status: "Completed" }, { where: { id: variables.task.id } });
}
await until(() => lines.some(([line]) => line === "TasksService Stats:"));
facts.monitored = lines.find(([line]) => line === "TasksService Stats:")[1];
const web = app.listen(0, "127.0.0.1");
await once(web, "listening");
const health = await fetch(`http://127.0.0.1:${web.address().port}/health/tasks`);
facts.health = { status: health.status, body: await health.json() };
web.close();

// A hook of one's own beside them.
let noted;
hooksService.registerHook("orders", "items.create.after", ({ data }) => {
  noted = data;
});
await call("POST", "/hooks/orders/items.create.after", { data: { id: 1 } });
facts.noted = noted;

// The server ends while a job is at work.
await until(() => globalThis.begun > globalThis.done);
await server.close();
facts.begun = globalThis.begun;
facts.done = globalThis.done;
facts.scheduled = Object.keys(schedule.scheduledJobs);

process.stdout.write(`${JSON.stringify(facts)}\n`, () => process.exit());
