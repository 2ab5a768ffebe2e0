/** The example of a container: its Dockerfile is built in folders, and its commands are run as an engine would. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import { sparePort } from "../support/chaos/own-process.ts";
import { eventually } from "../support/eventually.ts";
import { buildImage, type Image } from "../support/package/dockerfile.ts";
import { filesIn, ROOT, run, scratch, TOOLS } from "../support/package/scratch.ts";

const EXAMPLE = join(ROOT, "examples/container");
const read = (name: string) => readFileSync(join(EXAMPLE, name), "utf8");

/** Whether a command can be run here. */
const permitted = (command: string, ...args: string[]) => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
/** As process 1 of a namespace, whom no signal ends that it does not handle; and as the user of the image. */
const namespace = ["unshare", "--pid", "--fork", "--kill-child"];
const asUser = (user: number) => ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
const isolated = permitted("unshare", "--pid", "--fork", ...asUser(1000), "true");
const NODE = join(TOOLS, "node-24/bin/node");

describe.skipIf(!serversAnswer)("the image, on real servers", () => {
  let image: Image;
  let env: Record<string, string>;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let container: ChildProcess | undefined;
  const API_KEY = "the-operators-own-key";

  beforeAll(async () => {
    database = await createDatabase();
    const context = filesIn(scratch(), { ".env": "API_KEY=secret", ".tickwork/api-key": "secret" });
    cpSync(EXAMPLE, context, { recursive: true });
    const { filename } = JSON.parse(readFileSync(join(scratch(), "packed.json"), "utf8")) as {
      filename: string;
    };
    const tarball = join(scratch(), filename);
    await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball], context);
    // The stages are elsewhere.
    for (const name of ["package.json", "package-lock.json"]) {
      const text = readFileSync(join(context, name), "utf8");
      writeFileSync(join(context, name), text.replaceAll(/file:[^"]*\.tgz/g, `file:${tarball}`));
    }
    image = await buildImage(context, filesIn(scratch(), {}));
    // What the base image has: its node, and a folder that everybody may write to.
    mkdirSync(join(image.root, "bin"));
    cpSync(existsSync(NODE) ? NODE : process.execPath, join(image.root, "bin/node"));
    mkdirSync(join(image.root, "tmp"));
    chmodSync(join(image.root, "tmp"), 0o1777);
    // Any user of this machine may read it, as in a container.
    for (const folder of [scratch(), join(image.root, "..")]) chmodSync(folder, 0o755);
    env = {
      ...image.env,
      PATH: `${join(image.root, "bin")}:${process.env.PATH}`,
      DATA_DIR: join(image.root, image.env.DATA_DIR ?? ""),
      PORT: String(await sparePort()),
      API_KEY,
      DATABASE_URL: database.url,
      CACHE_REDIS_URL: redisServerUrl,
    };
  });
  afterAll(async () => {
    container?.kill("SIGKILL");
    await database?.drop();
  });

  /** Runs a command of the image to its end. */
  const exitCode = async ([command = "", ...args]: readonly string[]) => {
    const child = spawn(command, args, { cwd: image.workingFolder, env, stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number | null];
    return code;
  };

  test("has the app and its packages, and nothing that is secret or only for development", () => {
    expect(readdirSync(image.workingFolder).sort()).toEqual([
      "node_modules",
      "package-lock.json",
      "package.json",
      "tasks.ts",
    ]);
    const packages = readdirSync(join(image.workingFolder, "node_modules"));
    expect(packages).toEqual(expect.arrayContaining(["tickwork", "pg", "ioredis", "valibot"]));
    expect(packages).not.toContain("typescript");
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(JSON.parse(read("package.json"))).toMatchObject({ dependencies: { tickwork: `^${version}` } });
  });

  test("runs as a user that is not root, and keeps its data where that user may write", () => {
    expect(image.user).toBeGreaterThan(0);
    expect(image.env.DATA_DIR).toMatch(/^\/tmp\//);
  });

  test("is not healthy while nothing is there", async () => {
    expect(await exitCode(image.healthCheck)).toBe(1);
  });

  test("does not start without a key of the operator's own, and says so in one line", async () => {
    const { API_KEY: _, ...without } = env;
    const [command = "", ...args] = image.command;
    const child = spawn(command, args, { cwd: image.workingFolder, env: without });
    let output = "";
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    const [code] = (await once(child, "close")) as [number | null];
    expect(code).toBe(1);
    expect(output).toMatch(/^HOST is 0\.0\.0\.0, .* set API_KEY to a key of your own, .*\n$/);
  });

  test(`starts${isolated ? " as process 1 and without rights" : ""}, is healthy, runs a task, and ends with 0 on SIGTERM`, async () => {
    const [command = "", ...args] = [
      ...(isolated ? [...namespace, ...asUser(image.user)] : []),
      ...image.command,
    ];
    const started = spawn(command, args, { cwd: image.workingFolder, env });
    container = started;
    let output = "";
    for (const stream of [started.stdout, started.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
      });
    const ended = once(started, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    await eventually(async () => {
      if (started.exitCode !== null) throw new Error(`it ended:\n${output}`);
      return (await exitCode(image.healthCheck)) === 0;
    });

    const ask = async (method: string, path: string, body?: unknown) => {
      const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
      const response = await fetch(`http://127.0.0.1:${env.PORT}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as { task_status: string; result_data: unknown };
    };
    await ask("POST", "/tasks", { type: "greet", task_data: { name: "Ada" } });
    const task = await eventually(async () => {
      const found = await ask("GET", "/tasks/1");
      return found.task_status === "Completed" && found;
    });
    expect(task.result_data).toEqual({ hello: "Ada" });

    process.kill(isolated ? childOf(started) : (started.pid ?? 0), "SIGTERM");
    expect(await ended, output).toEqual([0, null]);
    expect(output).toContain("Shutting down");
    expect(await exitCode(image.healthCheck)).toBe(1);
  });
});

/** The process that another one waits for. */
function childOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}
