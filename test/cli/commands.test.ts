/** The commands that talk to a server, with what they print, and how they end. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MadeApiKey, Task } from "#core";
import type { Finding } from "../../packages/cli/doctor/finding.ts";
import { createDatabase, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import { STACK_NAMES } from "../support/bed/stack-names.ts";
import { sparePort } from "../support/chaos/own-process.ts";
import { NAMES, openProject, type Project, type Running, tasksModule } from "../support/cli/cli.ts";
import { eventually } from "../support/eventually.ts";

let project: Project;
let server: Running;
let apiKey = "";

const json = async <Document = Task>(...args: string[]): Promise<Document> => {
  const { stdout, stderr } = await project.run([...args, "--json"]);
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as Document;
};

describe.each([
  ["embedded", async () => ({ args: ["start", "--embedded"], env: {}, drop: async () => {} })],
  ...(serversAnswer
    ? [
        [
          "real servers",
          async () => {
            const { url, drop } = await createDatabase();
            return { args: ["start"], env: { DATABASE_URL: url, CACHE_REDIS_URL: redisServerUrl }, drop };
          },
        ] as const,
      ]
    : []),
] as const)("against a server of `tickwork start`: %s", (stack, open) => {
  let drop: () => Promise<void> = async () => {};
  beforeAll(async () => {
    const { args, env, drop: dropIt } = await open();
    drop = dropIt;
    project = openProject({ PORT: String(await sparePort()), TASK_RUNNING_TTL: "3", ...env });
    project.write("names.ts", NAMES);
    project.write("tasks.ts", tasksModule("Hello"));
    server = project.start(args);
    [, apiKey = ""] = await server.wrote(/API key +(\S+)\n/);
  });
  afterAll(async () => {
    await project.close();
    await drop();
  });

  test(`it runs ${STACK_NAMES[stack]}`, () => {
    expect(server.output().includes("with an embedded Postgres")).toBe(stack === "embedded");
  });

  // What a command prints depends on the server's answers, and these on no server of its own.
  if (stack === "real servers") {
    test("enqueue --wait", async () => {
      expect(await json("enqueue", "greet", '{"name":"Ada"}', "--wait")).toMatchObject({
        task_status: "Completed",
        result_data: { greeting: "Hello Ada" },
      });
    });
    return;
  }

  test("schedules sets, lists, shows, runs, pauses, resumes and deletes them", {
    timeout: 90_000,
  }, async () => {
    const set = (...args: string[]) => project.run(["schedules", "set", "nightly", ...args]);
    expect(await set("--every", "30d", "--type", "greet", "--data", '{"name":"Ada"}')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/greet/),
    });
    const greets = ["--type", "greet", "--data", '{"name":"Ada"}'];
    expect((await set("--cron", "0 3 1 1 *", ...greets)).stdout).toMatch(/0 3 1 1 \*/);
    expect(await set("--cron", "0 0 30 2 *", ...greets)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--cron must be an expression that comes at least once"),
    });
    expect(await set("--cron", "* * * * *", "--every", "1m")).toMatchObject({ code: 2 });
    expect(await project.run(["schedules", "run", "nightly", "--cron", "* * * * *"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Only set takes"),
    });
    const say = async (...args: string[]) => (await project.run(["schedules", ...args])).stdout.trim();
    expect(await say()).toMatch(/^nightly {2}\d{4}-01-01T03:00:00.000Z {2}0 3 1 1 \* \(UTC\) {2}greet$/);
    expect(await say("pause", "nightly")).toMatch(/next +paused/);
    expect(await say("resume", "nightly")).toMatch(/next +\d{4}-/);
    const { id } = await json("schedules", "run", "nightly");
    expect((await json("watch", String(id))).task_status).toBe("Completed");
    expect(await say("show", "nightly")).toMatch(new RegExp(`last +Completed \\(task ${id}, `));
    expect(await say("delete", "nightly")).toBe("Deleted schedule nightly and its waiting tasks.");
    expect(await say("list")).toBe("No schedules.");
    expect(await project.run(["schedules", "show"])).toMatchObject({ code: 2 });
    expect((await project.run(["schedules", "show", "nightly"])).stderr).toMatch(/no schedule "nightly"/);
  });

  test("bulk counts, does it, waits for its end, and refuses what takes all", {
    timeout: 90_000,
  }, async () => {
    const later = ["--in", "1h"];
    const { id } = await json("enqueue", "greet", '{"name":"Bulk"}', ...later);
    const which = ["--type", "greet", "--text", "bulk", "--status", "not-started"];
    expect((await project.run(["bulk", "cancel", ...which, "--dry-run"])).stdout).toBe(
      "1 task would be taken by cancel. Nothing has changed.\n",
    );
    expect((await json("show", String(id))).task_status).toBe("Not started");
    const ended = await json("bulk", "cancel", ...which, "--wait");
    expect(ended).toMatchObject({
      type: "tickwork_bulk",
      result_data: { matched: 1, changed: 1, skipped: 0 },
    });
    expect(await json("show", String(id))).toMatchObject({ error_data: { code: "cancelled" } });
    const refused = await project.run(["bulk", "delete"]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("or --all if all tasks are meant"),
    });
    expect(await project.run(["bulk", "delete", "--all", "--dead"])).toMatchObject({ code: 2 });
    expect(await project.run(["bulk", "explode", "--all"])).toMatchObject({ code: 2 });
    expect(await project.run(["bulk", "reschedule", "--all"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Give --at or --in"),
    });
    expect(await project.run(["bulk", "retry", "--all", "--in", "10m"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Only reschedule takes --at and --in, not retry."),
    });
  });

  test("limits are set, listed and removed; list finds a queue and a key; show says what holds a task back", {
    timeout: 90_000,
  }, async () => {
    const say = async (...args: string[]) => (await project.run(["limits", ...args])).stdout.trim();
    expect(await say()).toBe("There are no limits.");
    const set = "set --queue mail --concurrency 2 --rate 1/1h".split(" ");
    expect(await say(...set)).toBe("queue mail: 2 at once; 1 in 3600 s, evenly");
    expect(await say("list")).toBe("queue mail: 2 at once; 1 in 3600 s, evenly");
    const line = ["--queue", "mail", "--key", "acme/7"];
    await json("enqueue", "greet", '{"name":"Ada"}', ...line, "--wait");
    const { id } = await json("enqueue", "greet", '{"name":"Alan"}', ...line);
    const show = await project.run(["show", String(id)]);
    expect(show.stdout).toMatch(/limited +queue mail: its rate, until 20\S+Z\n/);
    expect(await json<Task[]>("list", ...line)).toMatchObject([{ id }, { queue: "mail" }]);
    expect(await json<Task[]>("list", "--key", "acme")).toEqual([]);
    expect(await say("remove", "--queue", "mail")).toBe("Removed: the limit of queue mail");
    expect((await json("watch", String(id))).task_status).toBe("Completed");
    expect(await project.run(["limits", "set", "--concurrency", "1"])).toMatchObject({ code: 2 });
  });

  test("keys are made, listed and withdrawn, and the command line works with one", async () => {
    const made = await json<MadeApiKey>(..."keys create ops --scope read write --expires 90d".split(" "));
    expect(made).toMatchObject({ name: "ops", scopes: ["read", "write"], used_at: null });
    expect(Date.parse(made.expires_at ?? "") - Date.now()).toBeGreaterThan(89 * 86_400_000);
    const env = { API_KEY: made.key };
    expect(await project.run(["list"], { env })).toMatchObject({ code: 0 });
    const refused = await project.run(["keys"], { env });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /needs the scope "admin"; the key "ops" has "read", "write"\. Give one that has it/,
    );
    expect((await project.run(["keys"])).stdout).toMatch(/ops {2}read, write {2}ends 20\S+ {2}last used 20/);
    const soon = await json<MadeApiKey>(..."keys create soon --scope read --expires 3d".split(" "));
    const { findings } = await json<{ findings: Finding[] }>("doctor");
    expect(findings).toContainEqual({
      check: "api key",
      level: "ok",
      message: "is accepted, for read, write, admin",
    });
    expect(findings.filter(({ check }) => check === "api keys")).toEqual([
      {
        check: "api keys",
        level: "note",
        message: `soon (${soon.id}) ends at ${soon.expires_at}`,
        mend: expect.stringMatching(/^make the next one/),
      },
    ]);
    const gone = await project.run(["keys", "delete", String(made.id)]);
    expect(gone.stdout).toBe(`Key ${made.id} is withdrawn. It stops everywhere within a minute.\n`);
    expect((await project.run(["list"], { env })).stderr).toMatch(/^The key is wrong/);
    for (const wrong of [
      "keys create",
      "keys create ops",
      "keys create ops --scope all",
      "keys delete",
      "keys delete x",
      "keys list x",
    ])
      expect(await project.run(wrong.split(" ")), wrong).toMatchObject({ code: 2, stdout: "" });
    expect((await project.run(["keys", "delete", "999"])).stderr).toBe(
      "There is no key 999. `tickwork keys` shows those that there are.\n",
    );
  });

  test("enqueue takes data from the standard input, a time, attempts and a key", async () => {
    const args = [
      "enqueue",
      "greet",
      "-",
      "--in",
      "2h",
      "--max-attempts",
      "3",
      "--idempotency-key",
      "ada",
      "--json",
    ];
    const input = '{"name":"Ada"}';
    const [first, second] = [await project.run(args, { input }), await project.run(args, { input })];
    expect(JSON.parse(first.stdout)).toMatchObject({ task_data: { name: "Ada" }, max_attempts: 3 });
    const { id, scheduled_time } = JSON.parse(first.stdout) as Task;
    expect(Date.parse(scheduled_time) - Date.now()).toBeGreaterThan(7_000_000);
    // The time is another one, so it is another request: the key says so.
    expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/"idempotency_key_reused"/) });
    expect((await project.run(["cancel", String(id)])).stdout).toBe(`Task ${id} (greet) is cancelled.\n`);
  });

  test("--at is the time itself, so that the same key returns the same task", async () => {
    const args = ["enqueue", "failing", "--at", "2030-01-01T00:00:00+01:00", "--idempotency-key", "2030"];
    const [first, second] = [await json(...args), await json(...args)];
    expect(first.scheduled_time).toBe("2029-12-31T23:00:00.000Z");
    expect(second.id).toBe(first.id);
  });

  test("a task that fails is an exit code of 1, and its message", async () => {
    const { code, stdout } = await project.run(["enqueue", "failing", "--wait"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/status +Error/);
    expect(stdout).toMatch(/error +as it was meant to/);
  });

  test("watch tells the changes of a task line by line, and its end", async () => {
    const { id } = await json("enqueue", "slow", '{"seconds":6}');
    const { code, stdout } = await project.run(["watch", String(id), "--json"]);
    expect(code).toBe(0);
    const states = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as Task).task_status);
    expect(states.at(-1)).toBe("Completed");
    expect(states).toContain("Running");
  });

  test("watch without an id tells of the newest tasks, until its time is over", async () => {
    const { code, stdout } = await project.run(["watch", "--timeout", "0s", "--limit", "2"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +\d+ ██████████ Completed .* slow\n$/m);
  });

  test("list takes a status and a type", async () => {
    const tasks = await json<Task[]>("list", "--status", "error", "--type", "failing", "--limit", "1");
    expect(tasks).toMatchObject([{ type: "failing", error_data: { message: "as it was meant to" } }]);
    const { stdout } = await project.run(["list", "--type", "nothing"]);
    expect(stdout).toBe("No tasks.\n");
  });

  test("retry runs a finished task again", async () => {
    const [task] = await json<Task[]>("list", "--status", "error", "--type", "failing");
    const { code, stdout } = await project.run(["retry", String(task?.id)]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Task ${task?.id} (failing) is retried, and due now.\n`,
    });
    expect((await project.run(["watch", String(task?.id)])).code).toBe(1);
    expect((await json("show", String(task?.id))).attempts).toBe(2);
  });

  test("cancel asks a running task to stop", async () => {
    const { id } = await json("enqueue", "slow", '{"seconds":60}');
    await eventually(async () => (await json("show", String(id))).task_status === "Running");
    const { code } = await project.run(["cancel", String(id)]);
    expect(code).toBe(0);
    expect((await project.run(["watch", String(id)])).stdout).toContain("(cancelled)");
  });

  test("stats say how the service is", async () => {
    expect(await json<object>("stats")).toMatchObject({ healthy: true, stats: { initialized: true } });
  });

  test("another address and key can be given; the kept key goes to this machine alone", async () => {
    const url = /address +(\S+)/.exec(server.output())?.[1] ?? "";
    const env = { PORT: "1", DATA_DIR: "nowhere" };
    expect((await project.run(["list"], { env: { ...env, TICKWORK_URL: url } })).stderr).toMatch(
      /API key.*--api-key or API_KEY/,
    );
    expect((await project.run(["list", "--url", url, "--api-key", apiKey], { env })).code).toBe(0);
    expect((await project.run(["list", "--url", url], { env: { ...env, API_KEY: apiKey } })).code).toBe(0);
    expect((await project.run(["list", "--api-key", "wrong"])).stderr).toMatch(/--api-key or API_KEY/);
  });

  test("doctor finds nothing wrong", async () => {
    const { code, stdout } = await project.run(["doctor"]);
    expect(stdout).toContain("Nothing is wrong.");
    expect(code).toBe(0);
  });

  test("SIGTERM ends it gracefully", async () => {
    server.child.kill("SIGTERM");
    expect((await server.ended).code).toBe(0);
  });
});
