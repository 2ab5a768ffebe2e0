/** The schema is up to date before the code that needs it serves requests. */
import { describe, expect, test } from "vitest";
import { program } from "../support/infra/program.ts";

const dev = program("dev");

test("the deployment calls the function, so it waits for it and fails with it", () => {
  const { inputs, dependsOn } = dev.one("TickworkMigration");
  // The provider calls it synchronously, and fails when the function fails.
  expect(inputs).toMatchObject({ functionName: "tickwork-dev-migrate", input: "{}" });
  expect(inputs.lifecycleScope ?? "CREATE_ONLY").toBe("CREATE_ONLY");
  expect(dependsOn).toContain("TickworkMigrateFunction");
});

test.each(["Tick", "Refresh", "Api"])("%s waits for the migration", (name) => {
  expect(dev.one(`Tickwork${name}Function`).dependsOn).toContain("TickworkMigration");
});

test("whatever calls a function waits for the function", () => {
  expect(dev.one("TickworkRefreshRuleSchedule").dependsOn).toContain("TickworkRefreshFunction");
  expect(dev.one("TickworkHttpRouteBbovcaIntegration").dependsOn).toContain("TickworkApiFunction");
});

describe("the migration runs again", () => {
  const triggers = (name: Parameters<typeof program>[0]) =>
    program(name).one("TickworkMigration").inputs.triggers as Record<string, string>;

  test("when the migrations in its package change", () => {
    expect(triggers("dev").code).toBe(dev.one("TickworkMigrateFunction").inputs.s3Key);
    expect(triggers("dev").code).toMatch(/[0-9a-f]{64}\.zip$/);
    expect(dev.builds.TickworkMigrate?.sources).toContain("packages/core/store/schema/migrations.ts");
  });

  test("when the database is another one", () => {
    expect(triggers("given").database).toMatch(/^[0-9a-f]{64}$/);
    expect(triggers("given").database).not.toBe(triggers("production").database);
  });

  test("but not when a setting changes", () => {
    expect(triggers("every minute")).toEqual(triggers("dev"));
  });
});
