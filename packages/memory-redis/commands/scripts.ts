import { createHash } from "node:crypto";
import { type CommandTable, command, takes } from "../command.ts";
import type { Keyspace } from "../keyspace.ts";
import { compileScript, type Script } from "../lua/script.ts";
import { parseInteger } from "../numbers.ts";
import { RedisError, type Reply } from "../reply.ts";

/** EVAL, EVALSHA and SCRIPT LOAD, for scripts that call these commands on this keyspace. */
export function createScriptCommands(keyspace: Keyspace, callable: CommandTable) {
  const scripts = new Map<string, Script>();

  function load(source: string): string {
    const sha = createHash("sha1").update(source, "latin1").digest("hex");
    if (!scripts.has(sha)) scripts.set(sha, compileScript(source, sha, call));
    return sha;
  }

  function run(sha: string, count: string, rest: readonly string[]): Reply {
    const keys = parseInteger(count);
    if (keys > rest.length) throw new RedisError("ERR Number of keys can't be greater than number of args");
    if (keys < 0) throw new RedisError("ERR Number of keys can't be negative");
    const script = scripts.get(sha.toLowerCase());
    if (script === undefined) throw new RedisError("NOSCRIPT No matching script. Please use EVAL.");
    return script(rest.slice(0, keys), rest.slice(keys));
  }

  /** What `redis.call` runs. Its errors for a wrong call are not the ones that a client gets. */
  function call([name = "", ...args]: readonly string[]): Reply {
    const found = callable[name.toUpperCase()];
    if (found === undefined) throw new RedisError("ERR Unknown Redis command called from script");
    if (!takes(found, args.length))
      throw new RedisError("ERR Wrong number of args calling Redis command from script");
    keyspace.count(name.toLowerCase());
    return found.run(keyspace, ...args);
  }

  function script(_: Keyspace, subcommand: string, source: string): Reply {
    if (subcommand.toUpperCase() === "LOAD") return load(source);
    throw new RedisError(`ERR unknown subcommand '${subcommand}'. Try SCRIPT HELP.`);
  }

  const commands: CommandTable = {
    EVAL: command(-3, (_, source: string, count: string, ...rest) => run(load(source), count, rest)),
    EVALSHA: command(-3, (_, sha: string, count: string, ...rest) => run(sha, count, rest)),
    SCRIPT: command(3, script),
  };
  return { commands, forget: (): void => scripts.clear() };
}
