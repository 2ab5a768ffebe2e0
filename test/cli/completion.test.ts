/** The scripts of completion are scripts, and complete what there is. */
import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { SHELLS, scriptFor } from "../../packages/cli/completion.ts";
import { createProgram } from "../../packages/cli/program.ts";

const program = createProgram();
const names = program
  .createHelp()
  .visibleCommands(program)
  .map((command) => command.name());

const isInstalled = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0;

describe.each(SHELLS)("of %s", (shell) => {
  const script = scriptFor(shell, program);

  test("it has every command, and none that is hidden", () => {
    for (const name of names.filter((one) => one !== "help")) expect(script).toContain(name);
    expect(script).not.toContain("dev-server");
    for (const flag of ["idempotency-key", "dry-run", "json", "url"]) expect(script).toContain(flag);
  });

  test.skipIf(!isInstalled(shell))("the shell can read it", () => {
    execFileSync(shell, ["-n"], { input: script });
  });
});

describe.skipIf(!isInstalled("bash"))("bash completes", () => {
  const complete = (...words: string[]) => {
    const line = words.map((word) => `"${word}"`).join(" ");
    const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _tickwork; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", `${scriptFor("bash", program)}\n${ask}`], { encoding: "utf8" })
      .trimEnd()
      .split("\n");
  };

  test("commands", () => expect(complete("tickwork", "c")).toEqual(["cancel", "completion"]));
  test("options", () =>
    expect(complete("tickwork", "enqueue", "--i")).toEqual(["--in", "--idempotency-key"]));
  test("values", () => expect(complete("tickwork", "list", "--status", "e")).toEqual(["error"]));
  test("arguments", () => expect(complete("tickwork", "completion", "f")).toEqual(["fish"]));
});
