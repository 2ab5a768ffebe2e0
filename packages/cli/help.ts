import type { Command } from "commander";

/** Adds examples to the help of a command. */
export function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}
