/** `tickwork migrate`, for real and as a rehearsal. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SCHEMA_VERSION } from "../../packages/core/store/schema/migrations.ts";
import { planMigrations } from "../../packages/core/store/schema/plan-migrations.ts";
import { createDatabase, serversAnswer } from "../../scripts/local-servers.ts";
import { openProject, type Project } from "../support/cli/cli.ts";

let project: Project;
beforeEach(() => {
  project = openProject({}, { migrated: false });
});
afterEach(() => project.close());

test("on a folder that is not there yet, a rehearsal makes none", async () => {
  const { code, stdout } = await project.run(["migrate", "--dry-run", "--json"], {
    env: { DATA_DIR: "new" },
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ schemaVersion: SCHEMA_VERSION, pending: planMigrations(0) });
  expect(existsSync(join(project.folder, "new"))).toBe(false);
});

test("an embedded Postgres is migrated, too, and a second time nothing is left to do", async () => {
  expect((await project.run(["migrate"])).stdout).toMatch(/^Applied:\n {2}the table of tasks/);
  expect((await project.run(["migrate"])).stdout).toBe("The schema is up to date.\n");
  expect((await project.run(["migrate", "--dry-run"])).stdout).toMatch(/^The schema is up to date/);
});

describe.skipIf(!serversAnswer)("on real servers", () => {
  test("a rehearsal shows the statements of what is missing, and changes nothing", async () => {
    const { url, drop } = await createDatabase();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const tables = async () =>
      (await client.query("select relname from pg_class where relnamespace = 'public'::regnamespace")).rows;
    try {
      const env = { DATABASE_URL: url };
      const { stdout } = await project.run(["migrate", "--dry-run"], { env });
      expect(stdout).toMatch(
        /^-- 1: the table of tasks[\s\S]*create table "baasix_Tasks"[\s\S]*-- Nothing was done/,
      );
      expect(await tables()).toEqual([]);
      expect((await project.run(["migrate"], { env })).code).toBe(0);
      expect(await tables()).toContainEqual({ relname: "baasix_Tasks" });
      await client.query("delete from tickwork_migrations where id >= 5");
      const rest = await project.run(["migrate", "--dry-run"], { env });
      expect(rest.stdout).toMatch(/^-- 5: attempts that count as no failure\nalter table/);
    } finally {
      await client.end();
      await drop();
    }
  });
});
