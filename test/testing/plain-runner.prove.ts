import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

test("`node --test` runs tests of tasks, and ends by itself", async () => {
  const file = new URL("../support/testing/plain-runner.ts", import.meta.url).pathname;
  const args = ["--import", "tsx", "--test", "--test-reporter=tap", file];
  // Vitest's variables would make the child think that it is a worker of Vitest.
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, args, { env: { PATH, HOME }, stdio: ["ignore", "pipe", "pipe"] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(said).toMatch(/^# pass 5$/m);
  expect(said).toMatch(/^# fail 0$/m);
  expect(code).toBe(0);
}, 120_000);
