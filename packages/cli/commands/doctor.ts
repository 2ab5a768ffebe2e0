import { type Command, Option } from "commander";
import { checkEnvironment, checkNode, checkTasks } from "../doctor/environment.ts";
import type { Finding } from "../doctor/finding.ts";
import { checkPostgres } from "../doctor/postgres.ts";
import { checkRedis } from "../doctor/redis.ts";
import { checkServer } from "../doctor/server.ts";
import { ToldFailure } from "../failure.ts";
import { findings } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withServerOptions } from "../server.ts";
import { DEFAULT_TASKS } from "./start.ts";

interface Flags extends ServerFlags {
  tasks?: string;
  json?: boolean;
}

export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .description(
      "find out what is wrong, and how to mend it: the settings, Postgres, Redis, the server, its tasks",
    )
    .addOption(
      new Option(
        "--tasks <file>",
        `the module that exports your tasks (default: ${DEFAULT_TASKS}, if it is there)`,
      ),
    )
    .action(async (_: unknown, self: Command) => doctor(self.optsWithGlobals()));
  withServerOptions(command);
  example(
    command,
    "npx tickwork doctor",
    "npx tickwork doctor --json | jq '.findings[] | select(.level == \"problem\")'",
  );
}

async function doctor(flags: Flags): Promise<void> {
  const all = await examine(flags);
  const healthy = all.every(({ level }) => level !== "problem");
  createOutput({ json: flags.json ?? false }).result({ healthy, findings: all }, () => findings(all));
  if (!healthy) throw new ToldFailure();
}

async function examine(flags: Flags): Promise<Finding[]> {
  const { finding, config } = checkEnvironment(process.env);
  const tasks = await checkTasks(flags.tasks ?? DEFAULT_TASKS, flags.tasks !== undefined);
  const here = [checkNode(), finding, ...tasks.findings];
  if (!config) return here;
  const isEmbedded = config.databaseUrl === undefined;
  const server = await checkServer(flags, isEmbedded);
  // A server on the embedded Postgres lets nobody else in.
  const postgres =
    isEmbedded && server.isThere ? [] : await checkPostgres(config, process.env.PGUSER, tasks.types);
  return [...here, ...postgres, ...(await checkRedis(config)), ...server.findings];
}
