/** The schema is up to date before the code that needs it serves. */
import { describe, expect, test } from "vitest";
import { program } from "../support/infra/program.ts";

const dev = program("dev");

test("the deployment calls the function, and so waits for it and fails with it", () => {
  const { inputs, dependsOn } = dev.one("TickworkMigration");
  // The provider calls it synchronously, and makes an error of the function an error of its own.
  expect(inputs).toMatchObject({ functionName: "tickwork-dev-migrate", input: "{}" });
  expect(inputs.lifecycleScope ?? "CREATE_ONLY").toBe("CREATE_ONLY");
  expect(dependsOn).toContain("TickworkMigrateFunction");
});

test.each(["Tick", "Refresh", "Api"])("%s waits for it", (name) => {
  expect(dev.one(`Tickwork${name}Function`).dependsOn).toContain("TickworkMigration");
});

test("nothing that calls a function waits for less", () => {
  expect(dev.one("TickworkRefreshRuleSchedule").dependsOn).toContain("TickworkRefreshFunction");
  expect(dev.one("TickworkHttpRouteBbovcaIntegration").dependsOn).toContain("TickworkApiFunction");
});

describe("it is called again", () => {
  const triggers = (name: Parameters<typeof program>[0]) =>
    program(name).one("TickworkMigration").inputs.triggers as Record<string, string>;

  test("when the migrations change, which are in its package", () => {
    expect(triggers("dev").code).toBe(dev.one("TickworkMigrateFunction").inputs.s3Key);
    expect(triggers("dev").code).toMatch(/[0-9a-f]{64}\.zip$/);
    expect(dev.builds.TickworkMigrate?.sources).toContain("packages/core/store/migrations.ts");
  });

  test("when there is another database", () => {
    expect(triggers("given").database).toMatch(/^[0-9a-f]{64}$/);
    expect(triggers("given").database).not.toBe(triggers("production").database);
  });

  test("and not for a setting", () => {
    expect(triggers("every minute")).toEqual(triggers("dev"));
  });
});
