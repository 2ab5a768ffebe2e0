/** What the server refuses of what was given: an exit code of 2, as where the command line finds it, and its options. */
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createClient, TickworkApiError } from "#client";
import { failureOf } from "../../packages/cli/failure.ts";
import { createProgram } from "../../packages/cli/program.ts";
import { apiBed, KEY } from "../support/bed/api.ts";

const api = apiBed();
const client = () =>
  createClient({
    url: "http://localhost",
    apiKey: KEY,
    retries: 0,
    fetch: (async (url, init) => api.app.request(url, init)) as (
      url: string,
      init: RequestInit,
    ) => Promise<Response>,
  });
const commandNamed = (name: string) =>
  createProgram().commands.find((command) => command.name() === name) ?? new Command();

type Case = [command: string, what: string, ask: () => Promise<unknown>, message: string];

describe("called wrongly:", () => {
  test.each<Case>([
    [
      "limits",
      "set --queue mail --weight 2",
      () => client().limits.put({ queue: "mail" }, { weight: 2 }),
      '--weight must come with a --key that is a group: no * and no /, got {"queue":"mail"}.',
    ],
    [
      "limits",
      "set --key /7 --concurrency 1",
      () => client().limits.put({ concurrency_key: "/7" }, { concurrency: 1 }),
      '--key must be a string of 1 to 255 characters that does not begin with / and is not *, or * for each, got "/7".',
    ],
    [
      "limits",
      "set --queue concurrency_key --rate 0/1m",
      () => client().limits.put({ queue: "mail" }, { rate: { starts: 0, period_seconds: 60 } }),
      "--rate: starts must be a whole number from 1 to 1000000, got 0.",
    ],
    [
      "pause",
      "--key ''",
      () => client().pause({ concurrency_key: "" }),
      '--key must be a string of 1 to 255 characters, got "".',
    ],
    [
      "schedules",
      "set nightly --every 0s --type note --time-zone Mars",
      () => client().schedules.put("nightly", { every_seconds: 0, time_zone: "Mars", type: "note" }),
      "--every must be a whole number from 1 to 31622400, got 0.",
    ],
    [
      "enqueue",
      "http_request {}",
      () => client().create({ type: "http_request", task_data: { url: "ftp://x" } }),
      "data: url must",
    ],
    [
      "enqueue",
      "note --queue '' --key *",
      () => client().create({ type: "note", queue: "", concurrency_key: "*" }),
      '--queue must be a string of 1 to 255 characters, got ""; --key must be',
    ],
    [
      "enqueue",
      "note of a megabyte",
      () => client().create({ type: "note", task_data: "x".repeat(300_000) }),
      "data must have at most 262144 bytes as JSON, got 300002. Store the data elsewhere",
    ],
    [
      "bulk",
      "retry --created-from … --created-to …",
      () =>
        client().bulk({
          action: "retry",
          filter: {
            type: "max_attempts",
            created_from: "2026-11-24T09:00:00Z",
            created_to: "2026-11-24T09:00:00Z",
          },
        }),
      "--created-to must be later than --created-from, 2026-11-24T09:00:00.000Z, got",
    ],
  ])("%s %s", async (name, _, ask, message) => {
    const failure = await ask().catch((error: unknown) => failureOf(error, commandNamed(name)));
    expect(failure).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) });
  });
});

describe("failed:", () => {
  test.each<Case>([
    ["show", "7", () => client().get(7), "There is no task 7. `tickwork list` shows those that there are."],
    [
      "enqueue",
      "with a key that another request has",
      async () => {
        for (const queue of ["a", "b"])
          await client().create({ type: "note", queue }, { idempotencyKey: "the same" });
      },
      "was used",
    ],
  ])("%s %s", async (name, _, ask, message) => {
    const failure = await ask().catch((error: unknown) => failureOf(error, commandNamed(name)));
    expect(failure).toMatchObject({ exitCode: 1, message: expect.stringContaining(message) });
  });

  test("what is not Tickwork's answer", () => {
    const error = new TickworkApiError("GET /tasks was answered with 400", { status: 400 });
    expect(failureOf(error)).toMatchObject({ exitCode: 1 });
  });
});

test("of many issues, how many there are is said as well", () => {
  const issues = [{ path: "concurrency_key", message: "must be short, got concurrency_key" }];
  const message = "concurrency_key must be short; and 3 more";
  const error = new TickworkApiError(message, { status: 422, code: "invalid_request", issues });
  expect(failureOf(error, commandNamed("limits")).message).toBe(
    "--key must be short, got concurrency_key; and 3 more.",
  );
});
