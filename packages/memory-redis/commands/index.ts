import type { Command, CommandTable } from "../command.ts";
import { expiryCommands } from "./expiry.ts";
import { hashCommands } from "./hashes.ts";
import { keyCommands } from "./keys.ts";
import { listCommands } from "./lists.ts";
import { serverCommands } from "./server.ts";
import { setCommands } from "./sets.ts";
import { sortedSetCommands } from "./sorted-sets.ts";
import { stringCommands } from "./strings.ts";

const DATA_COMMANDS: readonly CommandTable[] = [
  serverCommands,
  keyCommands,
  expiryCommands,
  stringCommands,
  hashCommands,
  setCommands,
  listCommands,
  sortedSetCommands,
];

/** Every command by its name, with those a particular Redis adds (the ones that need its scripts). */
export const commandsWith = (more: CommandTable): ReadonlyMap<string, Command> =>
  new Map([...DATA_COMMANDS, more].flatMap((table) => Object.entries(table)));
