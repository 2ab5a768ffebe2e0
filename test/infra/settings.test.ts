import { expect, test } from "vitest";
import { readSettings } from "../../infra/settings.ts";
import { LAMBDA_LIMIT_MS, WAKE_UP_MS } from "../../packages/core/limits.ts";
import { createRegistry } from "../../packages/core/tasks/registry.ts";
import { definitions } from "../../packages/tasks/index.ts";

const wait = (seconds: string) =>
  readSettings({ TASK_SHUTDOWN_WAIT_TIME: seconds }).config.shutdownWaitSeconds;

test("an export to a folder stops the deployment: none stays on Lambda", () => {
  expect(() => readSettings({ EXPORT_TO: "exports" })).toThrow(
    /^EXPORT_TO must be s3:\/\/bucket\/prefix on AWS/,
  );
  expect(readSettings({ EXPORT_TO: "s3://exports/daily" }).config.exportTo).toBe("s3://exports/daily");
});

test("a wait that leaves a function no time for tasks stops the deployment", () => {
  const timeoutLimitMs = LAMBDA_LIMIT_MS - WAKE_UP_MS - wait("720") * 1000;
  expect(createRegistry(definitions, { timeoutLimitMs }).longestTimeoutMs).toBe(60_000);
  expect(() => wait("721")).toThrow(
    /^TASK_SHUTDOWN_WAIT_TIME must be a whole number from 0 to 720 on AWS, got 721\.$/,
  );
});
