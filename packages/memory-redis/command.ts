import type { Keyspace } from "./keyspace.ts";
import { RedisError, type Reply, wrongNumberOfArguments } from "./reply.ts";

/** Runs a command. The arguments come without the command's name, as many as its arity lets through. */
export type Handler = (keyspace: Keyspace, ...args: string[]) => Reply;

export interface Command {
  /** As in COMMAND INFO: it counts the name; `-3` means three or more. */
  readonly arity: number;
  readonly run: Handler;
}

/** Commands by their name in capitals. */
export type CommandTable = Readonly<Record<string, Command>>;

/** Declares a command: `command(-3, set)` for SET key value [option …]. */
export const command = (arity: number, run: Handler): Command => ({ arity, run });

/** Whether the command takes so many arguments, its name not counted. */
export const takes = ({ arity }: Command, count: number): boolean =>
  arity < 0 ? count + 1 >= -arity : count + 1 === arity;

/** The command that a client calls, or the error when there is none or it takes fewer or more arguments. */
export function resolve(
  commands: CommandTable,
  [name = "", ...args]: readonly string[],
): Command | RedisError {
  const found = commands[name.toUpperCase()];
  if (found !== undefined)
    return takes(found, args.length) ? found : wrongNumberOfArguments(name.toLowerCase());
  const shown = args.map((arg) => `'${arg}' `).join("");
  return new RedisError(`ERR unknown command '${name}', with args beginning with: ${shown}`);
}
