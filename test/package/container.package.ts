/** The example of a container: its Dockerfile is built in folders, and its commands are run as an engine would. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import { eventually } from "../support/eventually.ts";
import { buildImage, type Image, readDockerfile } from "../support/package/dockerfile.ts";
import { RULES } from "../support/package/dockerfile-rules.ts";
import { filesIn, ROOT, run, scratch, TOOLS } from "../support/package/scratch.ts";

const EXAMPLE = join(ROOT, "examples/container");
const read = (name: string) => readFileSync(join(EXAMPLE, name), "utf8");
const dockerfile = read("Dockerfile");
const requireTool = createRequire(join(TOOLS, "package.json"));

describe("the Dockerfile", () => {
  test("has no errors, and nothing that is deprecated", () => {
    const { validate } = requireTool("dockerfile-utils") as {
      validate(text: string): { message: string }[];
    };
    expect(validate(dockerfile).map(({ message }) => message)).toEqual([]);
    expect(validate(`${dockerfile}COPPY . .\n`)).not.toEqual([]);
  });

  test.each(RULES)("keeps $code of hadolint: $says", ({ isKept, broken }) => {
    expect(isKept(readDockerfile(dockerfile))).toBe(true);
    expect(isKept(readDockerfile(broken))).toBe(false);
  });
});

interface Compose {
  services: Record<
    string,
    {
      command?: string[];
      environment?: Record<string, string>;
      depends_on?: Record<string, { condition: string }>;
      healthcheck?: { test: string[] };
      stop_grace_period?: string;
      image?: string;
    }
  >;
}

interface Deployment {
  spec: {
    template: {
      spec: {
        terminationGracePeriodSeconds: number;
        containers: Record<string, unknown>[];
        volumes: { name: string }[];
      };
    };
  };
}

describe("the compose file", () => {
  const { services } = (requireTool("yaml") as { parse(text: string): Compose }).parse(read("compose.yaml"));

  test("is one by the schema of the specification, and by dclint's rules", async () => {
    await run(join(TOOLS, ".bin/dclint"), ["--max-warnings", "0", join(EXAMPLE, "compose.yaml")], EXAMPLE);
    const wrong = filesIn(scratch(), { "compose.yaml": "services:\n  app:\n    imagge: postgres\n" });
    await expect(run(join(TOOLS, ".bin/dclint"), ["compose.yaml"], wrong)).rejects.toThrow(/invalid-schema/);
  });

  test("insists on secrets of the operator's own", () => {
    const { app } = services;
    expect(app?.environment?.API_KEY).toMatch(/^\$\{API_KEY:\?.+\}$/);
    expect(app?.environment?.DATABASE_URL).toMatch(/:\$\{POSTGRES_PASSWORD:\?.+\}@postgres:5432\//);
  });

  test("starts the app when Postgres and Redis are healthy, and gives tasks their time when it ends", () => {
    expect(services.app?.depends_on).toEqual({
      postgres: { condition: "service_healthy" },
      redis: { condition: "service_healthy" },
    });
    for (const name of ["postgres", "redis"]) {
      expect(services[name]?.healthcheck?.test[0]).toBe("CMD");
      expect(services[name]?.image).toMatch(/:\d+\.\d+/);
    }
    expect(Number.parseInt(services.app?.stop_grace_period ?? "", 10)).toBeGreaterThan(30);
  });

  test("has a Redis that drops nothing of its own choice", () => {
    expect(services.redis?.command?.join(" ")).toContain("--maxmemory-policy noeviction");
  });
});

describe("docs/container.md", () => {
  const text = readFileSync(join(ROOT, "docs/container.md"), "utf8");
  const block = (language: string) =>
    new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "m").exec(text)?.[1] ?? "";

  test("has a Deployment that asks the server where it is, and gives tasks their time", () => {
    const { parse } = requireTool("yaml") as { parse(text: string): Deployment };
    const { terminationGracePeriodSeconds, containers, volumes } = parse(block("yaml")).spec.template.spec;
    expect(terminationGracePeriodSeconds).toBe(40);
    expect(volumes.map(({ name }) => name)).toEqual(["tmp"]);
    expect(containers[0]).toMatchObject({
      ports: [{ containerPort: 3000 }],
      readinessProbe: { httpGet: { path: "/health/tasks", port: 3000 } },
      livenessProbe: { tcpSocket: { port: 3000 } },
      securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true },
      volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
    });
  });

  test("says the same to Fly", () => {
    const settings = Object.fromEntries(
      [...block("toml").matchAll(/^(\w+) = "?([^"\n]*)"?$/gm)].map(([, name, value]) => [name, value]),
    );
    expect(settings).toMatchObject({
      kill_signal: "SIGTERM",
      kill_timeout: "40",
      internal_port: "3000",
      auto_stop_machines: "off",
      path: "/health/tasks",
    });
  });
});

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
const hasCommandLine = existsSync(join(ROOT, "dist/cli.js"));
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
      PORT: String(await freePort()),
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

  // The command line is a part of the package that this one may be without.
  test.runIf(hasCommandLine)(
    `starts${isolated ? " as process 1 and without rights" : ""}, is healthy, runs a task, and ends with 0 on SIGTERM`,
    async () => {
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
    },
  );
});

/** The process that another one waits for. */
function childOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
