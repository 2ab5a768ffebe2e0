/** What the doorbell costs whoever does not ring, and what it leaves behind of a ring. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test, vi } from "vitest";
import {
  AWS_ENV,
  GROUP,
  type OpenDoorbell,
  openDoorbell,
  ROLE_ARN,
  TICK_ARN,
} from "../support/aws/open-doorbell.ts";

const loaded = vi.hoisted(() => [] as string[]);
vi.mock("@aws-sdk/client-lambda", (original) => {
  loaded.push("client-lambda");
  return original();
});
vi.mock("@aws-sdk/client-scheduler", (original) => {
  loaded.push("client-scheduler");
  return original();
});

const opened: OpenDoorbell[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

test("of the SDK only what a ring needs is loaded, when it is needed first", async () => {
  const one = await openDoorbell();
  opened.push(one);
  expect(loaded).toEqual([]);
  await one.doorbell.ring();
  expect(loaded).toEqual(["client-lambda"]);
  await Promise.all([one.doorbell.ringAfter(60_000), one.doorbell.ringAfter(70_000)]);
  expect(loaded).toEqual(["client-lambda", "client-scheduler"]);
});

test("a process that has rung has nothing left to wait for", async () => {
  const one = await openDoorbell();
  opened.push(one);
  // The first try of each is dropped, so that the limits of tries and of pauses were set as well.
  one.aws.faults.of = (_request, nth) => (nth === 1 ? "drop" : undefined);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "../support/aws/ring-and-end.ts")],
    {
      timeout: 20_000,
      env: {
        PATH: process.env.PATH,
        ...AWS_ENV,
        AWS_ENDPOINT_URL_LAMBDA: one.aws.url,
        AWS_ENDPOINT_URL_SCHEDULER: one.aws.url,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
        TICK_ARN,
        GROUP,
        ROLE_ARN,
      },
    },
  );
  const { lingeredMs } = JSON.parse(stdout) as { lingeredMs: number };
  expect(lingeredMs).toBeLessThan(1_000);
  expect(one.aws.requests.filter(({ answer }) => answer === "ok")).toHaveLength(3);
});
