/** What `tickwork doctor` finds, and how it says to mend it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDatabase as database, migrate, silent, systemClock } from "#core";
import { openPg } from "#drivers";
import type { Finding } from "../../packages/cli/doctor/finding.ts";
import { createDatabase, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import { findBinaries } from "../support/chaos/binaries.ts";
import { sparePort } from "../support/chaos/own-process.ts";
import { type OwnRedis, openOwnRedis } from "../support/chaos/own-redis.ts";
import { openProject, type Project } from "../support/cli/cli.ts";
import { serveUpstash } from "../support/lambda/upstash-server.ts";
import { memoryBackend } from "../support/wires/redis-wire.ts";

let project: Project;
beforeEach(async () => {
  project = openProject({ PORT: String(await sparePort()) }, { migrated: false });
});
afterEach(() => project.close());

/** Runs it, and holds its exit code to what it says. */
async function examine(env: Record<string, string> = {}, args: string[] = []): Promise<Finding[]> {
  const { code, stdout } = await project.run(["doctor", "--json", ...args], { env });
  const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: Finding[] };
  expect(healthy).toBe(findings.every(({ level }) => level !== "problem"));
  expect(code).toBe(healthy ? 0 : 1);
  return findings;
}
const problem = (check: string, message: RegExp, mend: RegExp) =>
  expect.objectContaining({
    check,
    level: "problem",
    message: expect.stringMatching(message),
    mend: expect.stringMatching(mend),
  });

describe("on this machine", () => {
  test("a project before its first start has nothing wrong, and no server", async () => {
    const findings = await examine({ DATA_DIR: "new" });
    expect(findings.filter(({ level }) => level !== "ok")).toEqual([
      {
        check: "server",
        level: "note",
        message: expect.stringMatching(/^No Tickwork answers/),
        mend: expect.stringContaining("npx tickwork dev"),
      },
    ]);
  });

  test("an embedded Postgres without the schema", async () => {
    expect(await examine()).toContainEqual(problem("schema", /there is none yet/, /npx tickwork migrate/));
  });

  test("a server that was named, and does not answer", async () => {
    expect(await examine({}, ["--url", "http://127.0.0.1:1"])).toContainEqual(
      problem("server", /^No Tickwork answers/, /start the server there/),
    );
  });

  test("a setting that is not acceptable", async () => {
    expect(await examine({ TASK_CONCURRENCY: "many" })).toContainEqual(
      problem("environment", /TASK_CONCURRENCY must be/, /correct or unset TASK_CONCURRENCY/),
    );
  });

  test("tasks that cannot be loaded", async () => {
    writeFileSync(join(project.folder, "tasks.ts"), "export const a = {;\n");
    expect(await examine()).toContainEqual(problem("tasks file", /tasks\.ts:1:\d+: syntax error/, /correct/));
  });

  test("for people, each problem with what to do, and how many there are", async () => {
    const { code, stdout } = await project.run(["doctor"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ schema: there is none yet\n {4}→ run `npx tickwork migrate`/m);
    expect(stdout).toMatch(/1 thing is wrong\.\n$/);
  });
});

test("an Upstash that does not tell whether it evicts", async () => {
  const server = await serveUpstash(memoryBackend(), "a-token");
  try {
    const findings = await examine({ CACHE_REDIS_URL: server.url, CACHE_REDIS_TOKEN: "a-token" });
    expect(findings).toContainEqual({
      check: "redis eviction",
      level: "note",
      message: expect.stringContaining("Upstash does not tell"),
      mend: expect.stringContaining("switch off Eviction"),
    });
    expect(findings).toContainEqual(expect.objectContaining({ check: "redis clock", level: "ok" }));
  } finally {
    await server.close();
  }
});

describe.skipIf(!serversAnswer)("on real servers", () => {
  let url: string;
  let drop: () => Promise<void>;
  let client: pg.Client;
  beforeAll(async () => {
    ({ url, drop } = await createDatabase());
    const driver = await openPg(url);
    await migrate(database(driver, systemClock), silent);
    await driver.close();
    client = new pg.Client({ connectionString: url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await drop();
  });
  afterEach(() => client.query(`delete from "baasix_Tasks"`));
  const servers = () => ({ DATABASE_URL: url, CACHE_REDIS_URL: redisServerUrl });

  test("nothing is wrong with them", async () => {
    const findings = await examine(servers());
    expect(findings.filter(({ level }) => level === "problem")).toEqual([]);
    const checks = findings.map(({ check }) => check);
    for (const check of [
      "postgres",
      "postgres clock",
      "postgres rights",
      "schema",
      "redis",
      "redis clock",
      "redis eviction",
    ])
      expect(checks).toContain(check);
  });

  test("tasks that wait for a type that nobody here runs, and those that nobody starts", async () => {
    project.write(
      "tasks.ts",
      'import { defineTask } from "tickwork";\nexport const a = defineTask({ type: "known", run: async () => 1 });\n',
    );
    await client.query(`insert into "baasix_Tasks" (type, scheduled_time)
      select type, now() - interval '1 hour' from unnest(array['known', 'lost', 'lost']) as type`);
    const findings = await examine(servers());
    expect(findings).toContainEqual(
      problem("waiting tasks", /nobody here runs 2 tasks of type lost$/, /foreignTask/),
    );
    expect(findings).toContainEqual(
      problem("waiting tasks", /nothing starts 1 task of type known, due since/, /start a server/),
    );
  });

  test("a task whose worker died", async () => {
    await client.query(`insert into "baasix_Tasks" (type, task_status, slot, lease_token, lease_expires_at)
      values ('orphan', 'Running', 0, 'dead', now() - interval '10 minutes')`);
    expect(await examine(servers())).toContainEqual(
      problem("running tasks", /the worker of 1 task died, .*: \d+ \(orphan\)$/, /start a server/),
    );
  });

  test("a user who may not write", async () => {
    const role = `reader_${process.pid}`;
    await client.query(`create role ${role} login; grant select on all tables in schema public to ${role}`);
    try {
      const as = new URL(url);
      as.username = role;
      expect(await examine({ ...servers(), DATABASE_URL: as.href })).toContainEqual(
        problem(
          "postgres rights",
          /may not insert, update, delete/,
          /grant insert, update, delete on "baasix_Tasks"/,
        ),
      );
    } finally {
      await client.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  test("a schema that is older, and one that is newer than this package", async () => {
    const { rows } = await client.query(
      "delete from tickwork_migrations where id >= 4 returning id, name, applied_at",
    );
    try {
      expect(await examine(servers())).toContainEqual(
        problem("schema", /^version 3, and this package needs/, /migrate/),
      );
    } finally {
      for (const { id, name, applied_at } of rows as { id: number; name: string; applied_at: Date }[])
        await client.query("insert into tickwork_migrations values ($1, $2, $3)", [id, name, applied_at]);
    }
    await client.query("insert into tickwork_migrations values (999, 'of tomorrow', now())");
    try {
      expect(await examine(servers())).toContainEqual(
        problem("schema", /newer than this package/, /npm install tickwork@latest/),
      );
    } finally {
      await client.query("delete from tickwork_migrations where id = 999");
    }
  });
});

const binaries = findBinaries();
describe.skipIf(typeof binaries === "string")("with a Redis of its own", () => {
  let redis: OwnRedis;
  beforeAll(async () => {
    redis = await openOwnRedis(binaries as Exclude<typeof binaries, string>);
  });
  afterAll(() => redis?.close());

  test("one that evicts keys", async () => {
    const client = new Redis(redis.url);
    try {
      await client.config("SET", "maxmemory-policy", "allkeys-lru");
    } finally {
      client.disconnect();
    }
    expect(await examine({ CACHE_REDIS_URL: redis.url })).toContainEqual(
      problem("redis eviction", /its policy is allkeys-lru/, /config set maxmemory-policy noeviction/),
    );
  });

  test("one that is away", async () => {
    await redis.kill();
    expect(await examine({ CACHE_REDIS_URL: redis.url })).toContainEqual(
      problem(
        "redis",
        /^CACHE_REDIS_URL leads to .*ECONNREFUSED/,
        /correct host and port, or start the server there/,
      ),
    );
  });
});
