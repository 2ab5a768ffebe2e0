/** The public entry `tickwork/testing`: what tests of tasks need. No server, no network, any test runner. */
export type { Duration } from "../core/duration.ts";
export type { NotedLine } from "./noted-log.ts";
export type { CreatedTask } from "./noted-tasks.ts";
export type { DueReport, RunReport } from "./report.ts";
export { type RunHandlerOptions, runHandler } from "./run-handler.ts";
export { type TestContext, type TestContextOptions, testContext } from "./test-context.ts";
export { createTestTickwork, type TestOptions, type TestTickwork } from "./test-tickwork.ts";
