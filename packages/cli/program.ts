/** The tree of commands. Each is a file in `commands/`. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { loadEnvFile } from "../local/env-file.ts";
import { addBulk } from "./commands/bulk.ts";
import { addCancel } from "./commands/cancel.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDev } from "./commands/dev.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEnqueue } from "./commands/enqueue.ts";
import { addInit } from "./commands/init.ts";
import { addKeys } from "./commands/keys.ts";
import { addLimits } from "./commands/limits.ts";
import { addList } from "./commands/list.ts";
import { addMigrate } from "./commands/migrate.ts";
import { addPause } from "./commands/pause.ts";
import { addPauses } from "./commands/pauses.ts";
import { addResume } from "./commands/resume.ts";
import { addRetry } from "./commands/retry.ts";
import { addSchedules } from "./commands/schedules.ts";
import { addShow } from "./commands/show.ts";
import { addStart } from "./commands/start.ts";
import { addStats } from "./commands/stats.ts";
import { addWatch } from "./commands/watch.ts";
import { example } from "./help.ts";

const COMMANDS = [
  addInit,
  addDev,
  addStart,
  addMigrate,
  addEnqueue,
  addList,
  addShow,
  addWatch,
  addRetry,
  addCancel,
  addBulk,
  addPause,
  addResume,
  addPauses,
  addLimits,
  addSchedules,
  addStats,
  addKeys,
  addDoctor,
  addCompletion,
];

/** @example await createProgram().parseAsync(["list", "--json"], { from: "user" }); */
export function createProgram(): Command {
  const program = new Command("tickwork")
    .description("Background tasks on Postgres: run them, watch them, and find out what is wrong.")
    .version(version(), "--version", "print the version")
    .helpOption("--help", "explain a command")
    .option("--json", "print JSON, for programs")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "")) })
    .showHelpAfterError("Add --help to see what there is.")
    .exitOverride()
    .hook("preAction", () => loadEnvFile());
  example(
    program,
    "npx tickwork init",
    "npx tickwork dev",
    'npx tickwork enqueue greet \'{"name":"Ada"}\' --wait',
  );
  program.addHelpText(
    "after",
    "\nExit codes: 0 done, 1 failed, 2 called wrongly: what was given is refused, here or by the server.",
  );
  for (const add of COMMANDS) add(program);
  for (const command of program.commands)
    command.copyInheritedSettings(program).helpOption("--help", "explain this command");
  return program;
}

/** The version of the package: two folders above this file, and one above `dist/`. */
function version(): string {
  for (const path of ["../package.json", "../../package.json"])
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as {
        name: string;
        version: string;
      };
      if (name === "tickwork") return found;
    } catch {}
  return "unknown";
}
