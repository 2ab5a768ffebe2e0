/** What is wrong is said in one line, with how to mend it, and no stack: 1 when it failed, 2 when it was called wrongly. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sparePort } from "../support/chaos/own-process.ts";
import { openProject, type Project } from "../support/cli/cli.ts";

const PASSWORD = "do-not-print-me";
let project: Project;
/** Where nothing listens. */
const port = await sparePort();
beforeAll(() => {
  project = openProject({ PORT: String(port) });
  project.write(
    "tasks.ts",
    'import { defineTask } from "tickwork";\nexport const a = defineTask({ type: "a", run: async () => 1 });\n',
  );
});
afterAll(() => project.close());

type Case = [what: string, args: string[], message: RegExp, env?: Record<string, string>];

describe.concurrent("called wrongly:", () => {
  test.each<Case>([
    ["an unknown command", ["lsit"], /^unknown command 'lsit'\n\(Did you mean list\?\)/],
    [
      "an unknown option",
      ["list", "--statis", "error"],
      /^unknown option '--statis'\n\(Did you mean --status\?\)/,
    ],
    ["no type", ["enqueue"], /^missing required argument 'type'/],
    [
      "an unknown status",
      ["list", "--status", "failed"],
      /Allowed choices are not-started, running, completed, error\./,
    ],
    ["no number", ["show", "seven"], /It must be a whole number from 1, got "seven"\./],
    [
      "no time",
      ["enqueue", "a", "--at", "tomorrow"],
      /It must be an ISO 8601 time with its zone, .*, got "tomorrow"\./,
    ],
    [
      "no duration",
      ["enqueue", "a", "--in", "soon"],
      /It must be a time such as 30s, 10m, 2h or 3d, got "soon"\./,
    ],
    [
      "two times",
      ["enqueue", "a", "--in", "1s", "--at", "2030-01-01T00:00:00Z"],
      /^Give --at or --in, not both\.$/m,
    ],
    [
      "no JSON",
      ["enqueue", "a", "{name: 1}"],
      /^The data must be JSON, such as '\{"name":"Ada"\}', got \{name: 1\} \(.*\)\.$/m,
    ],
    ["nothing to read", ["enqueue", "a", "-"], /^The standard input must be JSON, .*, got nothing/],
    ["no address", ["list", "--url", "there"], /^--url: url must be .*there/],
    [
      "no key",
      ["list", "--url", `http://127.0.0.1:${port}`, "--api-key", "a b"],
      /^--api-key: apiKey must be/,
    ],
    [
      "no number as a weight",
      ["limits", "set", "--key", "acme", "--weight", "much"],
      /It must be a number from 0\.001 to 1000, got "much"\./,
    ],
    [
      "a limit of nothing",
      ["limits", "set", "--queue", "mail"],
      /^Give --concurrency, --rate or --weight: what the limit is\.$/m,
    ],
    [
      "a schedule without a time",
      ["schedules", "set", "nightly", "--type", "a"],
      /^Give --cron or --every, and --type: when it runs, and what\.$/m,
    ],
    ["an unknown shell", ["completion", "csh"], /Allowed choices are bash, zsh, fish\./],
  ])("%s", async (_, args, message) => {
    const { code, stdout, stderr } = await project.run(args);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

describe.concurrent("failed:", () => {
  test.each<Case>([
    [
      "no server",
      ["list"],
      /^No Tickwork answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\); start one with `npx tickwork dev`, or name another one with --url or TICKWORK_URL\.$/,
    ],
    [
      "no server at an address that was given",
      ["list", "--url", `http://127.0.0.1:${port}`],
      /^No Tickwork answers at .*; correct --url or TICKWORK_URL, or start the server there\.$/,
    ],
    [
      "no address in the environment",
      ["list"],
      /^TICKWORK_URL: url must be .*there/,
      { TICKWORK_URL: "there" },
    ],
    [
      "a wrong scheme",
      ["migrate"],
      /^DATABASE_URL must be an address that begins with postgres:\/\/ or postgresql:\/\/, got mysql:\/\/\.$/,
      { DATABASE_URL: `mysql://app:${PASSWORD}@db/shop` },
    ],
    [
      "a Postgres that does not answer",
      ["start"],
      /^DATABASE_URL leads to 127\.0\.0\.1:1\/shop as app, and there: .*; correct host and port, or start the server there\.$/,
      { DATABASE_URL: `postgres://app:${PASSWORD}@127.0.0.1:1/shop`, PORT: "0" },
    ],
    ["no Postgres in production", ["start"], /^DATABASE_URL is not set; set it .*--embedded/],
    [
      "a setting",
      ["dev"],
      /^TASK_CONCURRENCY must be a whole number from 1 to 1000, got "many"\.$/,
      { TASK_CONCURRENCY: "many" },
    ],
    [
      "no tasks",
      ["dev", "--tasks", "./missing.ts"],
      /^There is no \.\/missing\.ts\. `npx tickwork init` writes/,
    ],
    [
      "no tasks in production",
      ["start", "--embedded", "--tasks", "./missing.ts"],
      /^There is no \.\/missing\.ts\./,
    ],
  ])("%s", async (_, args, message, env = {}) => {
    const { code, stdout, stderr } = await project.run(args, { env });
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).not.toContain(PASSWORD);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  test("as JSON, where that was asked for", async () => {
    const { code, stdout, stderr } = await project.run(["list", "--json"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(JSON.parse(stderr)).toEqual({ error: { message: expect.stringMatching(/^No Tickwork answers/) } });
  });
});

test("every command explains itself, with examples", async () => {
  const { stdout } = await project.run(["--help"]);
  const [, list = ""] = stdout.split("Commands:\n");
  const names = [...(list.split("\n\n")[0] ?? "").matchAll(/^ {2}(\w+)/gm)].map(([, name = ""]) => name);
  expect(names).toEqual(expect.arrayContaining(["dev", "start", "init", "migrate", "doctor", "completion"]));
  for (const name of names.filter((one) => one !== "help")) {
    const { code, stdout: help } = await project.run([name, "--help"]);
    expect(code).toBe(0);
    expect(help).toMatch(/\nExamples:\n {2}/);
  }
});
