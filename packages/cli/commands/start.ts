import type { Command } from "commander";
import { ConfigError, createLogger, type Logger } from "#core";
import { createHumanLog, isDebugging } from "../../local/human-log.ts";
import { serve } from "../../local/serve.ts";
import { greeting } from "../format.ts";
import { example } from "../help.ts";
import { extensionsIn, loadTasks } from "../load-tasks.ts";
import { createOutput } from "../output.ts";

export interface ServeFlags {
  tasks: string;
  extensions?: string;
  json?: boolean;
}

export const DEFAULT_TASKS = "./tasks.ts";

export function addStart(program: Command): void {
  const command = program
    .command("start")
    .description("run your tasks on real servers, as DATABASE_URL and CACHE_REDIS_URL name them")
    .option("--tasks <file>", "the module that exports your tasks", DEFAULT_TASKS)
    .option("--extensions <folder>", "run the schedules and hooks of this folder, too")
    .option("--embedded", "do without DATABASE_URL, on the embedded Postgres in DATA_DIR")
    .action(async (_: unknown, self: Command) => start(self.optsWithGlobals()));
  example(
    command,
    "DATABASE_URL=postgres://… CACHE_REDIS_URL=redis://… npx tickwork start",
    "npx tickwork start --tasks ./src/tasks.ts --extensions ./extensions",
  );
}

async function start({
  tasks,
  extensions,
  json = false,
  embedded,
}: ServeFlags & { embedded?: boolean }): Promise<void> {
  const { env } = process;
  if (!env.DATABASE_URL?.trim() && !embedded)
    throw new ConfigError(
      "DATABASE_URL is not set; set it to the address of your Postgres, or say --embedded to keep the tasks in DATA_DIR on this machine.",
    );
  const { definitions, types } = await loadTasks(tasks);
  const output = createOutput({ json });
  const server = await serve({ env, log: createLog(json), definitions, ...(await extensionsIn(extensions)) });
  const { url } = server;
  output.event({ event: "serving", url, types }, () => greeting(server, types, env.DATA_DIR || ".tickwork"));
}

/** For people, or a line of JSON an event, as on AWS. */
export function createLog(json: boolean): Logger {
  const debugging = isDebugging(process.env);
  if (!json) return createHumanLog({ debugging });
  return createLogger({
    level: debugging ? "debug" : "info",
    write: (line) => void process.stderr.write(`${line}\n`),
  });
}
