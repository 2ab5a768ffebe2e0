/** docs/tutorial.md, from its first command to its last, in a new folder and with the packed package. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sparePort } from "../support/chaos/own-process.ts";
import { blocksOf } from "../support/documents.ts";
import { eventually } from "../support/eventually.ts";
import { type Packed, ROOT, scratch } from "../support/package/scratch.ts";

const DOCUMENT = "docs/tutorial.md";
const SERVER = "npx tickwork dev";
const START_LIMIT_MS = 60_000;
const PORT_IN_DOCUMENT = "3000";

const blocks = blocksOf(DOCUMENT);
const commands = blocks
  .filter(({ language }) => language === "sh")
  .flatMap(({ code }) => code.trim().split("\n"));
const files = blocks.filter(({ language }) => language === "ts");

describe(DOCUMENT, () => {
  const folder = mkdtempSync(join(scratch(), "tutorial-"));
  let env: Record<string, string>;
  let server: ChildProcess | undefined;
  beforeAll(async () => {
    const { PATH = "", HOME = "" } = process.env;
    env = {
      PATH,
      HOME,
      PORT: String(await sparePort()),
      npm_config_audit: "false",
      npm_config_fund: "false",
    };
  });
  /** With all that it has started, as a terminal does. */
  const stop = async () => {
    const running = server;
    server = undefined;
    if (!running?.pid) return;
    const ended = once(running, "exit");
    process.kill(-running.pid, "SIGTERM");
    await ended;
  };
  afterAll(stop);

  const inFolder = (text: string) => text.replaceAll(PORT_IN_DOCUMENT, env.PORT ?? "");
  const { filename } = JSON.parse(readFileSync(join(scratch(), "packed.json"), "utf8")) as Packed;

  /** The server goes on; what else there is runs to its end. */
  async function run(command: string): Promise<string> {
    if (command === SERVER) {
      server = spawn("bash", ["-c", command], { cwd: folder, env, stdio: "inherit", detached: true });
      await eventually(
        () =>
          fetch(`http://127.0.0.1:${env.PORT}/health/tasks`).then(
            ({ ok }) => ok,
            () => false,
          ),
        { limitMs: START_LIMIT_MS },
      );
      return "";
    }
    // From the registry, except for the package that is tested.
    const packed = command.replace("install tickwork", `install ${join(scratch(), filename)}`);
    const { stdout } = await promisify(execFile)("bash", ["-c", packed], { cwd: folder, env });
    return stdout;
  }

  test.each(commands.map((command) => [command]))("%s", { timeout: 2 * START_LIMIT_MS }, async (command) => {
    const program = files.find(({ file }) => command.endsWith(` ${file}`));
    if (program) writeFileSync(join(folder, program.file), inFolder(program.code));
    const printed = await run(command);
    if (command.startsWith("npx tickwork enqueue")) expect(printed).toContain("Completed");
    if (command === "npx tickwork list") expect(printed).toMatch(/greet.*Completed|Completed.*greet/);
    if (program) expect(printed.trim()).toBe("Hello Grace");
    if (command === "npx tickwork init") {
      const [shown] = files.filter(({ file }) => file === "tasks.ts");
      expect(codeOf(readFileSync(join(folder, "tasks.ts"), "utf8"))).toBe(codeOf(shown?.code ?? ""));
    }
  });

  test("the server ends when it is told to", async () => {
    await stop();
    await eventually(() =>
      fetch(`http://127.0.0.1:${env.PORT}/`).then(
        () => false,
        () => true,
      ),
    );
  });
});

test("the document has every step", () => {
  const steps = [
    "npm install tickwork",
    "npx tickwork init",
    SERVER,
    "npx tickwork enqueue",
    "npx tickwork list",
  ];
  for (const step of steps)
    expect(
      commands.filter((command) => command.startsWith(step)),
      step,
    ).toHaveLength(1);
  expect(files.map(({ file }) => file)).toEqual(["tasks.ts", "enqueue.ts"]);
  expect(readFileSync(join(ROOT, DOCUMENT), "utf8")).toContain(PORT_IN_DOCUMENT);
});

/** Without comments, which the document has no room for. */
const codeOf = (text: string) =>
  text
    .replaceAll(/^\s*(\/\/|\/\*\*).*\n/gm, "")
    .split("\n")
    .filter((line) => !/^import /.test(line))
    .join("\n")
    .trim();
