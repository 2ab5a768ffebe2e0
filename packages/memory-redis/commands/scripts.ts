import { type CommandTable, commandOutsideScripts } from "../command.ts";
import { wrongNumberOfArguments } from "../errors.ts";
import { parseInteger } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { OK, RedisError, type Reply } from "../reply.ts";
import { noScript, type Scripts } from "../scripts.ts";

const SHA_LENGTH = 40;

/** The commands that need a script cache. */
export function scriptCommands(scripts: Scripts): CommandTable {
  /** EVAL script numkeys [key …] [arg …] */
  function evaluate(_keyspace: Keyspace, source: string, count: string, ...rest: string[]): Reply {
    const [keys, args] = splitKeys(count, rest);
    return scripts.run(scripts.load(source), keys, args);
  }

  function evaluateBySha(_keyspace: Keyspace, sha: string, count: string, ...rest: string[]): Reply {
    if (sha.length !== SHA_LENGTH) throw noScript();
    const [keys, args] = splitKeys(count, rest);
    return scripts.run(sha.toLowerCase(), keys, args);
  }

  function script(_keyspace: Keyspace, subcommand: string, ...args: string[]): Reply {
    switch (subcommand.toUpperCase()) {
      case "LOAD":
        return scripts.load(onlyArgument("script|load", args));
      case "EXISTS":
        if (args.length === 0) throw wrongNumberOfArguments("script|exists");
        return args.map((sha) => (scripts.has(sha.toLowerCase()) ? 1 : 0));
      case "FLUSH":
        return flush(args);
      default:
        throw new RedisError(`ERR unknown subcommand '${subcommand}'. Try SCRIPT HELP.`);
    }
  }

  function flush([mode = "SYNC", ...more]: readonly string[]): Reply {
    if (more.length > 0 || !["SYNC", "ASYNC"].includes(mode.toUpperCase())) {
      throw new RedisError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    }
    scripts.flush();
    return OK;
  }

  return {
    EVAL: commandOutsideScripts(-3, evaluate),
    EVALSHA: commandOutsideScripts(-3, evaluateBySha),
    SCRIPT: commandOutsideScripts(-2, script),
  };
}

function onlyArgument(name: string, args: readonly string[]): string {
  const [first, ...more] = args;
  if (first === undefined || more.length > 0) throw wrongNumberOfArguments(name);
  return first;
}

function splitKeys(count: string, rest: readonly string[]): [keys: string[], args: string[]] {
  const numkeys = parseInteger(count);
  if (numkeys > rest.length) throw new RedisError("ERR Number of keys can't be greater than number of args");
  if (numkeys < 0) throw new RedisError("ERR Number of keys can't be negative");
  return [rest.slice(0, numkeys), rest.slice(numkeys)];
}
