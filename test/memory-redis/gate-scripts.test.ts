import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gateSteps, readings } from "../support/redis/arbitrary-gate-steps.ts";
import { ownKeys, servers } from "../support/redis/conformance.ts";

/** REDIS_RUNS sets the number of sequences. */
const numRuns = Number(process.env.REDIS_RUNS ?? 100);

const [memory, real] = servers.map(({ server }) => server);

describe.skipIf(real === undefined)("the gate's scripts do the same on memory and on Redis 7.0", () => {
  const [mine, theirs] = [ownKeys(memory), ownKeys(real)];

  async function compare(command: readonly string[]): Promise<void> {
    const [reply, expected] = [await mine.call(command), await theirs.call(command)];
    expect({ command, reply: comparable(command, reply) }).toEqual({
      command,
      reply: comparable(command, expected),
    });
  }

  test("random calls, their replies and the keys afterwards", {
    timeout: 60_000 + numRuns * 200,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(gateSteps, async (steps) => {
        try {
          for (const command of [...steps, ...readings]) await compare(command);
        } finally {
          await mine.removeAll();
          await theirs.removeAll();
        }
      }),
      { numRuns },
    );
  });
});

/** A reply without the milliseconds that pass between two servers: what is left of an expiry is told in minutes. */
function comparable(command: readonly string[], reply: unknown): unknown {
  const inMinutes = (ms: unknown) => (typeof ms === "number" ? Math.ceil(ms / 60_000) : ms);
  if (command[0] === "PTTL") return inMinutes(reply);
  return Array.isArray(reply) && reply[0] === "held"
    ? ["held", reply[1], inMinutes(Number(reply[2]))]
    : reply;
}
