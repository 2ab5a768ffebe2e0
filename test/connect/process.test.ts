/** A process that enqueues, from the outside: how it ends, and what is left when it is killed. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { defineTask } from "#core";
import { startProcess } from "../support/chaos/own-process.ts";
import { type ConnectBed, describeConnections } from "../support/connect/describe-connections.ts";
import { eventually } from "../support/eventually.ts";

const SUPPORT = join(import.meta.dirname, "../support");

function startEnqueuing(bed: ConnectBed, env: Record<string, string>) {
  const { child, ended } = startProcess(
    process.execPath,
    [
      ...["--import", "tsx", "--import", join(SUPPORT, "lambda/reach-neon.ts")],
      join(SUPPORT, "connect/enqueue-command.ts"),
    ],
    {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: bed.databaseUrl,
        REDIS_URL: bed.redisUrl,
        ...(bed.redisToken ? { REDIS_TOKEN: bed.redisToken } : {}),
        ...bed.env,
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let printed = "";
  let errors = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk;
  });
  return {
    /** The lines that it has printed, the last one only if it is complete. */
    lines: () => printed.split("\n").slice(0, -1),
    errors: () => errors,
    kill: () => child.kill("SIGKILL"),
    ended,
  };
}

const warning = (message: RegExp) =>
  expect.objectContaining({ level: "warn", message: expect.stringMatching(message) });

describeConnections("a process that enqueues", (bed) => {
  test("ends by itself when it has closed its connection", async () => {
    const enqueuing = startEnqueuing(bed, { COUNT: "2" });
    expect(await enqueuing.ended, enqueuing.errors()).toBe(0);
    expect(enqueuing.lines()).toEqual(["1", "2", "ResultTimeoutError"]);
    const said = enqueuing
      .errors()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(said).toEqual([
      // Neon and Upstash send no messages.
      ...(bed.redisToken
        ? [warning(/^nobody is told what is enqueued, .* give connect\(\) a doorbell/)]
        : []),
      // No server has refreshed the cache yet.
      warning(/^nobody has refreshed /),
    ]);
  });

  test("loses nothing when it is killed: what it was promised runs", async () => {
    const enqueuing = startEnqueuing(bed, {});
    await eventually(() => enqueuing.lines().length >= 5, { limitMs: 30_000 });
    enqueuing.kill();
    expect(await enqueuing.ended, enqueuing.errors()).toBe("SIGKILL");
    const promised = enqueuing.lines().map(Number);
    const ran: unknown[] = [];
    const count = defineTask({ type: "count", run: async (data) => void ran.push(data) });
    const { doorbell, stop } = await bed.startServer([count]);
    const tickwork = bed.connect({ doorbell });
    for (const id of promised) await tickwork.result(id);
    expect(ran).toEqual(expect.arrayContaining(promised.map((_, n) => ({ n: n + 1 }))));
    await stop();
  });
});
