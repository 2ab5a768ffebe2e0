/** The Dockerfile and the compose file of the example, by the rules of their linters, and the document about them. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readDockerfile } from "../support/package/dockerfile.ts";
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
