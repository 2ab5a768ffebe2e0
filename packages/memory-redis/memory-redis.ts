import { fromBytes, toBytes } from "./bytes.ts";
import { type CommandTable, resolve } from "./command.ts";
import { hashCommands } from "./commands/hashes.ts";
import { keyCommands } from "./commands/keys.ts";
import { createScriptCommands } from "./commands/scripts.ts";
import { sortedSetCommands } from "./commands/sorted-sets.ts";
import { stringCommands } from "./commands/strings.ts";
import { createKeyspace } from "./keyspace.ts";
import { isStatus, RedisError, type RedisReply, type Reply } from "./reply.ts";

/** One Redis, in this process, gone with it. */
export interface MemoryRedis {
  /**
   * Runs a command and answers as Redis 7.0 does. Commands are atomic: nothing else runs meanwhile.
   * @throws RedisError for an error reply
   * @example redis.call(["SET", "lock", token, "NX", "PX", "5000"]) // "OK", or null when it is taken
   */
  call(argv: readonly string[]): RedisReply;
  /** True when the command exists and takes so many arguments, which is all that MULTI checks beforehand. */
  accepts(argv: readonly string[]): boolean;
  /** Back to a server just started: no keys, no scripts. */
  clear(): void;
}

/**
 * An empty Redis. It knows the commands that `commands/` lists.
 * @param now the clock, in milliseconds since 1970; keys expire by it and TIME answers it
 */
export function createMemoryRedis({ now = Date.now }: { now?: () => number } = {}): MemoryRedis {
  const keyspace = createKeyspace(now);
  const dataCommands = { ...keyCommands, ...stringCommands, ...hashCommands, ...sortedSetCommands };
  const scripts = createScriptCommands(keyspace, dataCommands);
  const commands: CommandTable = { ...dataCommands, ...scripts.commands };

  function run(argv: readonly string[]): Reply {
    try {
      const command = resolve(commands, argv);
      if (command instanceof RedisError) return command;
      keyspace.beginCommand();
      keyspace.count((argv[0] ?? "").toLowerCase());
      return command.run(keyspace, ...argv.slice(1));
    } catch (error) {
      if (error instanceof RedisError) return error;
      throw error;
    }
  }

  return {
    call(argv) {
      const reply = toText(run(argv.map(toBytes)));
      if (reply instanceof RedisError) throw reply;
      return reply;
    },
    accepts: (argv) => !(resolve(commands, argv) instanceof RedisError),
    clear() {
      keyspace.clear();
      scripts.forget();
    },
  };
}

function toText(reply: Reply): RedisReply {
  if (typeof reply === "string") return fromBytes(reply);
  if (reply === null || typeof reply === "number") return reply;
  if (Array.isArray(reply)) return reply.map(toText);
  return isStatus(reply) ? fromBytes(reply.status) : new RedisError(fromBytes(reply.message));
}
