/** Every command that the documents name is there, with its options. */
import { expect, test } from "vitest";
import { createProgram } from "../../packages/cli/program.ts";
import { read } from "../support/imports.ts";

const program = createProgram();
const [...called] = read("README.md").matchAll(/npx tickwork (\w+)([^`\n#]*)/g);

test.each(called.map(([line, name = "", rest = ""]) => ({ line, name, rest })))("$line", ({ name, rest }) => {
  const command = program.commands.find((one) => one.name() === name);
  expect(command).toBeDefined();
  const flags = [...(command?.options ?? []), ...program.options].map(({ long }) => long);
  for (const [flag] of rest.matchAll(/--[\w-]+/g)) expect(flags).toContain(flag);
});

test("every command is in the README", () => {
  const named = new Set(called.map(([, name]) => name));
  const shown = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
  expect(shown.filter((name) => name !== "help" && !named.has(name))).toEqual([]);
});
