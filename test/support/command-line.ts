import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

const SEEDS = 2 ** 31;

/**
 * Reads the options of a command, each a string. `--help` prints the usage and ends the process; so does an option
 * that is not known.
 *
 * @example const { minutes = "8" } = readOptions("npm run chaos -- [--minutes M]", ["minutes"]);
 */
export function readOptions<Name extends string>(
  usage: string,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean" } } });
    if (!values.help) return values as Partial<Record<Name, string>>;
    console.log(usage);
  } catch (error) {
    refuse(`${(error as Error).message}\n\n${usage}`);
  }
  process.exit(0);
}

/** A number that an option gives; ends the process when it is less than `min` or, if asked for, not whole. */
export function readNumber(
  name: string,
  value: string,
  { min, whole = true }: { min: number; whole?: boolean },
): number {
  const number = Number(value);
  if (value.trim() !== "" && number >= min && (!whole || Number.isSafeInteger(number))) return number;
  return refuse(`--${name} must be a ${whole ? "whole " : ""}number of ${min} or more, got ${value}`);
}

/** The seed that was given, or a new one. */
export function readSeed(value: string | undefined): number {
  return value === undefined ? randomInt(SEEDS) : readNumber("seed", value, { min: 0 });
}

/** Ends the process with what is wrong. */
export function refuse(message: string): never {
  console.error(message);
  process.exit(1);
}
