import { fromBytes, toBytes } from "./bytes.ts";
import { type Command, resolve } from "./command.ts";
import { commandsWith } from "./commands/index.ts";
import { scriptCommands } from "./commands/scripts.ts";
import { createKeyspace } from "./keyspace.ts";
import { isStatus, RedisError, type RedisReply, type Reply } from "./reply.ts";
import { createScripts } from "./scripts.ts";

export interface MemoryRedisOptions {
  /** The clock, in milliseconds since 1970. Keys expire by it and TIME answers it. Default: `Date.now`. */
  readonly now?: () => number;
}

/** One Redis, in this process, gone with it. */
export interface MemoryRedis {
  /**
   * Runs a command and answers as Redis 7 does. Commands are atomic: nothing else runs meanwhile.
   * @throws RedisError for an error reply
   * @example redis.call(["SET", "lock", token, "NX", "PX", "5000"]) // "OK", or null when it is taken
   */
  call(argv: readonly string[]): RedisReply;
  /**
   * True when `argv` names a command that exists and takes as many arguments. MULTI checks this, and no
   * more, before it runs anything.
   */
  accepts(argv: readonly string[]): boolean;
  /** Back to a server just started: no keys, no scripts. */
  clear(): void;
}

/** An empty Redis. What it can do is what `commands/` lists, at the level of Redis 7.0 and of RESP2. */
export function createMemoryRedis({ now = Date.now }: MemoryRedisOptions = {}): MemoryRedis {
  const keyspace = createKeyspace(now);
  const scripts = createScripts(keyspace, () => commands);
  const commands: ReadonlyMap<string, Command> = commandsWith(scriptCommands(scripts));

  function run(argv: readonly string[]): RedisReply {
    const bytes = argv.map(toBytes);
    const command = resolve(commands, bytes);
    if (command instanceof RedisError) throw command;
    keyspace.beginCommand();
    const reply = command.run(keyspace, ...bytes.slice(1));
    if (reply instanceof RedisError) throw reply;
    return toRedisReply(reply);
  }

  return {
    call(argv) {
      try {
        return run(argv);
      } catch (error) {
        throw error instanceof RedisError ? asText(error) : error;
      }
    },
    accepts: (argv) => !(resolve(commands, argv) instanceof RedisError),
    clear() {
      keyspace.clear();
      scripts.flush();
    },
  };
}

function toRedisReply(reply: Reply): RedisReply {
  if (typeof reply === "string") return fromBytes(reply);
  if (reply === null || typeof reply === "number") return reply;
  if (Array.isArray(reply)) return reply.map(toRedisReply);
  return isStatus(reply) ? fromBytes(reply.status) : asText(reply);
}

function asText(error: RedisError): RedisError {
  const message = fromBytes(error.message);
  return message === error.message ? error : new RedisError(message);
}
