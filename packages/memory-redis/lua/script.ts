import { formatGeneral } from "../numbers.ts";
import { isStatus, RedisError, type Reply } from "../reply.ts";
import { library } from "./library.ts";
import { createOperations, type Operations } from "./operations.ts";
import { translate } from "./statements.ts";
import { LuaError, type LuaFunction, LuaTable, type LuaValue } from "./values.ts";

/** A compiled script. @throws RedisError for what the script raises */
export type Script = (keys: readonly string[], args: readonly string[]) => Reply;

/** Runs a command for a script. @throws RedisError for an error reply */
export type ScriptCall = (argv: readonly string[]) => Reply;

/**
 * Translates a script to JavaScript, whose numbers are Lua's and whose engine compiles it.
 * @param sha the script's name, which is part of its error messages
 * @throws RedisError when the source does not compile
 */
export function compileScript(source: string, sha: string, call: ScriptCall): Script {
  const globals = new Map<string, LuaValue>(library);
  globals.set("redis.call", redisCall(call));
  const operations = createOperations(globals);
  const main = new Function("lua", translate(source)) as (lua: Operations) => LuaValue[];

  return (keys, args) => {
    globals.set("KEYS", new LuaTable([...keys]));
    globals.set("ARGV", new LuaTable([...args]));
    try {
      return toReply(main(operations)[0]);
    } catch (error) {
      if (!(error instanceof LuaError)) throw error;
      throw new RedisError(`${error.message} script: ${sha}, on @user_script:${error.line}.`);
    }
  };
}

/** `redis.call`: an error reply ends the script. */
const redisCall =
  (call: ScriptCall): LuaFunction =>
  (args, line) => {
    try {
      if (args.length === 0)
        throw new RedisError("ERR Please specify at least one argument for this redis lib call");
      return [fromReply(call(args.map(toArgument)))];
    } catch (error) {
      throw error instanceof RedisError ? new LuaError(error.message, line) : error;
    }
  };

/** Numbers keep 17 digits on their way into a command. */
function toArgument(value: LuaValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatGeneral(value, 17);
  throw new RedisError("ERR Lua redis lib command arguments must be strings or integers");
}

/** A reply as a script sees it: nil is false, a status is a table with `ok`. */
function fromReply(reply: Reply): LuaValue {
  if (reply === null) return false;
  if (typeof reply !== "object") return reply;
  if (Array.isArray(reply)) return new LuaTable(reply.map(fromReply));
  return new LuaTable([], [isStatus(reply) ? ["ok", reply.status] : ["err", reply.message]]);
}

/** The reply that a script's result stands for. Numbers lose their fraction; an array ends at its first nil. */
function toReply(value: LuaValue): Reply {
  if (typeof value === "string") return value;
  // C's cast to 64 bits answers the lowest of all for what does not fit.
  if (typeof value === "number") return Math.abs(value) < 2 ** 63 ? Math.trunc(value) || 0 : -(2 ** 63);
  if (!(value instanceof LuaTable)) return value === true ? 1 : null;
  const [error, status] = [value.entries.get("err"), value.entries.get("ok")];
  if (typeof error === "string") return new RedisError(error);
  if (typeof status === "string") return { status };
  return Array.from(value.list(), ([, item]) => toReply(item));
}
