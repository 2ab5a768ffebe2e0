import { type CommandTable, command } from "../command.ts";
import { syntaxError, wrongNumberOfArguments } from "../errors.ts";
import type { Keyspace } from "../keyspace.ts";
import { OK, type Reply } from "../reply.ts";

function ping(_keyspace: Keyspace, ...messages: string[]): Reply {
  if (messages.length > 1) throw wrongNumberOfArguments("ping");
  return messages[0] ?? { status: "PONG" };
}

function time(keyspace: Keyspace): Reply {
  const nowMs = keyspace.now();
  return [String(Math.floor(nowMs / 1000)), String((nowMs % 1000) * 1000)];
}

function flush(keyspace: Keyspace, ...options: string[]): Reply {
  const [mode = "SYNC", ...more] = options;
  if (more.length > 0 || !["SYNC", "ASYNC"].includes(mode.toUpperCase())) throw syntaxError();
  keyspace.clear();
  return OK;
}

export const serverCommands: CommandTable = {
  PING: command(-1, ping),
  ECHO: command(2, (_keyspace, message: string) => message),
  TIME: command(1, time),
  DBSIZE: command(1, (keyspace) => keyspace.size()),
  FLUSHDB: command(-1, flush),
  FLUSHALL: command(-1, flush),
};
