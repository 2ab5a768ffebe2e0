/** This machine: its Node, the settings, the module of tasks. */
import { existsSync } from "node:fs";
import { type Config, type Environment, readConfig } from "#core";
import { messageOf } from "../../core/errors.ts";
import { loadTasks } from "../load-tasks.ts";
import { type Finding, failed, note, ok, problem } from "./finding.ts";

/** As `engines` in package.json. */
const NODE_MAJOR = 20;
const NODE_MINOR = 19;

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > NODE_MAJOR || (major === NODE_MAJOR && minor >= NODE_MINOR)) return ok("node", version);
  return problem("node", `${version} is too old`, `install Node ${NODE_MAJOR}.${NODE_MINOR} or later`);
}

export interface CheckedEnvironment {
  finding: Finding;
  /** Undefined when a value is not acceptable. */
  config: Config | undefined;
}

export function checkEnvironment(env: Environment): CheckedEnvironment {
  const warnings: string[] = [];
  try {
    const config = readConfig(env, { warn: (message) => void warnings.push(message) });
    const [warning] = warnings;
    const postgres =
      config.databaseUrl === undefined ? `the embedded Postgres in ${config.dataDir}` : "DATABASE_URL";
    const redis = config.redisUrl === undefined ? "the embedded Redis" : "CACHE_REDIS_URL";
    const finding = warning
      ? note("environment", warning, "set it to 10800 or less")
      : ok("environment", `${postgres}${config.cacheEnabled ? ` and ${redis}` : ", without a cache"}`);
    return { finding, config };
  } catch (error) {
    const [name = "the variable"] = messageOf(error).split(" ");
    return {
      finding: problem("environment", messageOf(error), `correct or unset ${name}`),
      config: undefined,
    };
  }
}

/** @returns the types of the module, if it is there and can be used */
export async function checkTasks(
  path: string,
  asked: boolean,
): Promise<{ findings: Finding[]; types?: string[] }> {
  if (!asked && !existsSync(path)) return { findings: [] };
  try {
    const { types } = await loadTasks(path);
    return { findings: [ok("tasks file", `${path}: ${types.join(", ")}`)], types };
  } catch (error) {
    return {
      findings: [{ ...failed("tasks file", error), message: messageOf(error), mend: "correct the file" }],
    };
  }
}
