import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandSequence } from "../support/redis/arbitrary-commands.ts";
import { computingScript, jsonScript } from "../support/redis/arbitrary-scripts.ts";
import { ErrorReply, ownKeys, servers } from "../support/redis/conformance.ts";

/**
 * The same random commands on both servers, the replies compared. A failure prints the seed, and the
 * shortest sequence that still differs. REDIS_RUNS sets the number of sequences.
 */
const numRuns = Number(process.env.REDIS_RUNS ?? 100);
const TIMEOUT_MS = 60_000 + numRuns * 100;

const [memory, real] = servers.map(({ server }) => server);

describe.skipIf(real === undefined)("memory and Redis 7.0 answer alike", () => {
  const [mine, theirs] = [ownKeys(memory), ownKeys(real)];

  async function compare(command: readonly string[]): Promise<void> {
    const [mineReply, theirReply] = [await mine.call(command), await theirs.call(command)];
    const reply = comparable(command, mineReply);
    expect({ command, reply }).toEqual({ command, reply: comparable(command, theirReply) });
  }

  test("commands", { timeout: TIMEOUT_MS }, async () => {
    await fc.assert(
      fc.asyncProperty(commandSequence, async (commands) => {
        try {
          for (const command of commands) await compare(command);
        } finally {
          await mine.removeAll();
          await theirs.removeAll();
        }
      }),
      { numRuns },
    );
  });

  test.each([
    ["scripts that compute", computingScript],
    ["scripts that read and write JSON", jsonScript],
  ])("%s", { timeout: TIMEOUT_MS }, async (_, script) => {
    await fc.assert(fc.asyncProperty(script, compare), { numRuns: numRuns * 5 });
  });
});

/** A reply without what may differ: see each case. */
function comparable(command: readonly string[], reply: unknown): unknown {
  if (reply instanceof ErrorReply) return reply.text;
  // The order of a set is nobody's promise.
  if (command.includes("SMEMBERS") && Array.isArray(reply)) return reply.flat().sort(compareText);
  if (Array.isArray(reply)) return reply.map((item) => comparable(command, item));
  // The two clocks are read some milliseconds apart.
  if (command.includes("TTL") && typeof reply === "number") return Math.round(reply / 100);
  // ioredis reads integers beyond 2^53 digit by digit, and ends some units off; GET shows them exactly.
  if (typeof reply === "number" && !Number.isSafeInteger(reply)) return reply > 0 ? "large" : "-large";
  // JavaScript does not tell a NaN from a negative one.
  return typeof reply === "string" ? reply.replace(/ *[-+]?nan */gi, "nan") : reply;
}

const compareText = (a: unknown, b: unknown): number => (String(a) < String(b) ? -1 : 1);
