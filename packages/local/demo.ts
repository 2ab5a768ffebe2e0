/** `npm run demo`: twenty varied tasks over the next minute, and what becomes of them, in the terminal. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "#client";
import { ConfigError, type Environment, type NewTask, systemClock } from "#core";
import { messageOf } from "../core/errors.ts";
import { inDataFolder, makeFolder } from "./data-folder.ts";
import { hasEnded, lineOf } from "./demo-lines.ts";
import { loadEnvFile } from "./env-file.ts";
import { localServer } from "./local-server.ts";
import { createScreen } from "./screen.ts";

const LOOK_EVERY_MS = 500;
/** The last task is due after a minute; the slowest has three attempts. */
const LIMIT_MS = 180_000;

interface Server {
  url: string;
  /** For the tasks that call it. */
  headers: Record<string, string>;
  client: Client;
  dataDir: string;
}

/** Finds the server of this machine by the settings that it was started with. */
async function findServer(env: Environment): Promise<Server> {
  const { url, apiKey: key, dataDir } = localServer(env);
  const isHealthy = await createClient({ url, retries: 0 })
    .health()
    .then(
      ({ healthy }) => healthy,
      () => false,
    );
  if (!isHealthy || !key)
    throw new ConfigError(`No Tickwork answers at ${url}. Start it in another terminal: npm start`);
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return { url, headers, client: createClient({ url, apiKey: key }), dataDir };
}

/** Twenty tasks, of which two are meant to fail, one is cancelled, and some come from the past. */
function twentyTasks({ url, headers, dataDir }: Server): (NewTask & { about: string })[] {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
  inDataFolder(dataDir, () => {
    makeFolder(join(dataDir, "tmp"));
    writeFileSync(join(dataDir, "tmp", "demo.txt"), "left behind by an import\n");
  });
  const health = { url: `${url}/health/tasks` };
  const visits = [0, 2, 5, 9, 14, 20, 27, 35, 44, 54, 60].map((seconds) => ({
    about: `asks for the health after ${seconds} s`,
    type: "http_request",
    task_data: health,
    scheduled_time: inSeconds(seconds),
  }));
  return [
    ...visits,
    {
      about: "was due in 2020, so it runs at once",
      type: "http_request",
      task_data: health,
      scheduled_time: "2020-01-01T00:00:00Z",
    },
    {
      about: "reads the description of the API",
      type: "http_request",
      task_data: { url: `${url}/openapi.json`, headers },
      scheduled_time: inSeconds(3),
    },
    {
      about: "tells a hook with POST",
      type: "http_request",
      task_data: {
        method: "POST",
        url: `${url}/hooks/demo/items.create.after`,
        headers,
        body: { data: { n: 1 } },
      },
      scheduled_time: inSeconds(7),
    },
    {
      about: "makes another task",
      type: "http_request",
      task_data: {
        method: "POST",
        url: `${url}/tasks`,
        headers,
        body: { type: "http_request", task_data: health },
      },
      scheduled_time: inSeconds(11),
    },
    {
      about: "deletes finished tasks older than 30 days",
      type: "cleanup",
      task_data: { older_than_days: 30 },
      scheduled_time: inSeconds(16),
    },
    {
      about: "deletes a temporary file",
      type: "cleanup_temp_files",
      task_data: { import_id: 1, temp_files: ["tmp/demo.txt"] },
      scheduled_time: inSeconds(22),
    },
    {
      about: "asks for what is not there, and fails",
      type: "http_request",
      task_data: { url: `${url}/nowhere`, headers },
      scheduled_time: inSeconds(30),
    },
    {
      about: "calls a port where nothing listens, three times, and fails",
      type: "http_request",
      task_data: { url: "http://127.0.0.1:9/" },
      max_attempts: 3,
      scheduled_time: inSeconds(38),
    },
    {
      about: "is cancelled before it starts",
      type: "http_request",
      task_data: health,
      scheduled_time: inSeconds(50),
    },
  ];
}

async function demo(): Promise<void> {
  const server = await findServer(process.env);
  const { client } = server;
  const wanted = twentyTasks(server);
  const made = await client.createMany(wanted.map(({ about: _, ...task }) => task));
  const cancelled = made.at(-1);
  if (cancelled) await client.cancel(cancelled);
  const draw = createScreen(process.stdout.isTTY ?? false);
  const until = Date.now() + LIMIT_MS;
  for (;;) {
    const tasks = await Promise.all(made.map(({ id }) => client.get(id)));
    draw(tasks.map((task, n) => lineOf(task, wanted[n]?.about ?? "", Date.now())));
    const ended = tasks.filter(hasEnded);
    if (ended.length === tasks.length) {
      const failed = tasks.filter(({ task_status }) => task_status === "Error").length;
      console.log(
        `\nAll ${tasks.length} are done: ${tasks.length - failed} completed, ${failed} in Error (three were meant to be).`,
      );
      return;
    }
    if (Date.now() > until)
      throw new Error(`Only ${ended.length} of ${tasks.length} tasks ended within ${LIMIT_MS / 1000} s.`);
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}

try {
  loadEnvFile();
  await demo();
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : messageOf(error));
  process.exitCode = 1;
}
