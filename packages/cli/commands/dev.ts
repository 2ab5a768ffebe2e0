import type { Command } from "commander";
import { readConfig } from "#core";
import { startDevProcess } from "../dev/dev-process.ts";
import { runDevServer } from "../dev/dev-server.ts";
import { supervise } from "../dev/supervisor.ts";
import { greeting } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { wholeNumber } from "../values.ts";
import { createLog, DEFAULT_TASKS, type ServeFlags } from "./start.ts";

/** By which a process knows that it is the one that serves. */
const SERVES = "dev-server";

export function addDev(program: Command): void {
  const command = program
    .command("dev")
    .description("run your tasks on this machine, and anew whenever their code changes")
    .option("--tasks <file>", "the module that exports your tasks", DEFAULT_TASKS)
    .option("--extensions <folder>", "run the schedules and hooks of this folder, too")
    .option(
      "--port <port>",
      "where to listen, at 127.0.0.1 only (PORT; default: 3000)",
      wholeNumber(0, 65_535),
    )
    .action(async (_: unknown, self: Command) => dev(self.optsWithGlobals()));
  example(command, "npx tickwork dev", "npx tickwork dev --tasks ./src/tasks.ts --port 4000");
  program
    .command(SERVES, { hidden: true })
    .requiredOption("--tasks <file>")
    .option("--extensions <folder>")
    .action((_: unknown, self: Command) => {
      const { tasks, extensions, json = false } = self.optsWithGlobals<ServeFlags>();
      return runDevServer({ tasks, extensions, env: process.env, log: createLog(json) });
    });
}

async function dev({ tasks, extensions, port, json = false }: ServeFlags & { port?: number }): Promise<void> {
  const env = {
    ...process.env,
    // Nothing is open to the network, whatever .env says for a server.
    HOST: "127.0.0.1",
    ...(port === undefined ? {} : { PORT: String(port) }),
  };
  // What is wrong with it is told once, not by each process.
  const { dataDir } = readConfig(env);
  const output = createOutput({ json });
  process.exitCode = await supervise({
    tasks,
    start: () =>
      startDevProcess(
        [
          SERVES,
          "--tasks",
          tasks,
          ...(extensions === undefined ? [] : ["--extensions", extensions]),
          ...(json ? ["--json"] : []),
        ],
        env,
      ),
    onServing: ({ server, types }) =>
      output.event({ event: "serving", url: server.url, types }, () => greeting(server, types, dataDir)),
    say: (text) => console.error(text),
  });
}
