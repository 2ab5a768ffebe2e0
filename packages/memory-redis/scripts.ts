import { sha1 } from "./bytes.ts";
import { acceptsLength, type Command } from "./command.ts";
import type { Keyspace } from "./keyspace.ts";
import { type CompiledScript, createLuaMachine, type LuaMachine } from "./lua/machine.ts";
import { RedisError, type Reply } from "./reply.ts";

/** The script cache, and the Lua machine behind it. */
export interface Scripts {
  /** Compiles a script and keeps it; answers its SHA-1. */
  load(source: string): string;
  has(sha: string): boolean;
  /** @throws RedisError NOSCRIPT when no script of this name is loaded */
  run(sha: string, keys: readonly string[], args: readonly string[]): Reply;
  flush(): void;
}

/** An empty script cache whose scripts call these commands on this keyspace. */
export function createScripts(keyspace: Keyspace, commands: () => ReadonlyMap<string, Command>): Scripts {
  const compiled = new Map<string, CompiledScript>();
  // Made by the first script: most of what makes a machine is loading the Lua engine.
  let machine: LuaMachine | undefined;
  const ready = () => {
    machine ??= createLuaMachine((argv) => callFromScript(keyspace, commands(), argv));
    return machine;
  };

  return {
    load(source) {
      const sha = sha1(source);
      if (!compiled.has(sha)) compiled.set(sha, ready().compile(source));
      return sha;
    },
    has: (sha) => compiled.has(sha),
    run(sha, keys, args) {
      const script = compiled.get(sha);
      if (script === undefined) throw noScript();
      return ready().run(script, sha, keys, args);
    },
    flush() {
      compiled.clear();
      // The compiled functions live in the machine, and go with it.
      machine = undefined;
    },
  };
}

export const noScript = () => new RedisError("NOSCRIPT No matching script. Please use EVAL.");

/** What `redis.call` runs. Its errors for a wrong call are not the ones a client gets. */
function callFromScript(
  keyspace: Keyspace,
  commands: ReadonlyMap<string, Command>,
  argv: readonly string[],
): Reply {
  const [name = "", ...args] = argv;
  const command = commands.get(name.toUpperCase());
  if (command === undefined) throw new RedisError("ERR Unknown Redis command called from script");
  if (!acceptsLength(command, argv)) {
    throw new RedisError("ERR Wrong number of args calling Redis command from script");
  }
  if (!command.inScripts) throw new RedisError("ERR This Redis command is not allowed from script");
  return command.run(keyspace, ...args);
}
