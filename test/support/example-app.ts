/** The apps in `examples/`, each in a process of its own, beside a server that runs their tasks. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import type { Definitions } from "#core";
import { silent } from "#core";
import { startServer } from "#local";
import { createDatabase, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";

const ROOT = join(import.meta.dirname, "../..");
const START_LIMIT_MS = 30_000;

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** What a process needs to find the tasks. */
export type Addresses = Record<"TICKWORK_URL" | "API_KEY" | "DATABASE_URL" | "CACHE_REDIS_URL", string>;

/**
 * A server with an app's tasks, in this process; it refreshes every second.
 *
 * @param embedded whether it has its own Postgres, which lets no other process in; or this machine's
 */
export async function runTasks(definitions: Definitions, embedded: boolean): Promise<Addresses> {
  const dataDir = mkdtempSync(join(tmpdir(), "tickwork-example-"));
  closing.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const database = embedded ? undefined : await createDatabase();
  closing.push(() => database?.drop());
  const servers = {
    DATABASE_URL: database?.url ?? "",
    CACHE_REDIS_URL: database && serversAnswer ? redisServerUrl : "",
  };
  const env = {
    ...servers,
    API_KEY: "example",
    PORT: "0",
    DATA_DIR: dataDir,
    TASK_LIST_REFRESH_INTERVAL: "1",
  };
  const server = await startServer({ env, log: silent, definitions });
  closing.push(() => server.close());
  return { ...servers, API_KEY: server.apiKey, TICKWORK_URL: server.url };
}

/** Starts an app, and returns the address that it prints. */
export async function startApp(example: string, env: Record<string, string>): Promise<string> {
  const { PATH = "", HOME = "" } = process.env;
  const app = spawn(process.execPath, ["--import", "tsx", "src/server.ts"], {
    cwd: join(ROOT, "examples", example),
    // The sources of this repository are the package that the app imports.
    env: { PATH, HOME, TSX_TSCONFIG_PATH: join(ROOT, "tsconfig.json"), PORT: "0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => app.once("exit", resolve));
  closing.push(async () => {
    app.kill("SIGTERM");
    await ended;
  });
  const timer = setTimeout(() => app.kill("SIGKILL"), START_LIMIT_MS);
  try {
    for await (const line of createInterface(app.stdout)) if (line.startsWith("http")) return line;
    throw new Error(`examples/${example} ended before it said where it listens`);
  } finally {
    clearTimeout(timer);
  }
}
