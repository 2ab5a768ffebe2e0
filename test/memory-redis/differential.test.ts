import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandSequence } from "../support/redis/arbitrary-commands.ts";
import { branchingScript, computingScript } from "../support/redis/arbitrary-scripts.ts";
import { ErrorReply, ownKeys, servers } from "../support/redis/conformance.ts";

/**
 * The same random commands and scripts on both servers, the replies compared. A failure prints the seed, and the
 * shortest input that still differs. REDIS_RUNS sets the number of sequences.
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
    ["scripts that branch, loop and fail", branchingScript],
  ])("%s", { timeout: TIMEOUT_MS }, async (_, script) => {
    await fc.assert(fc.asyncProperty(script, compare), { numRuns: numRuns * 3 });
  });
});

/** A reply without what may differ: see each case. */
function comparable(command: readonly string[], reply: unknown): unknown {
  if (reply instanceof ErrorReply) return reply.text;
  if (Array.isArray(reply)) return reply.map((item) => comparable(command, item));
  // The two clocks are read some milliseconds apart.
  if (command.includes("PTTL") && typeof reply === "number") return Math.round(reply / 100_000);
  // Beyond 2^53 a script's number is no exact reply: use string.format.
  if (typeof reply === "number" && !Number.isSafeInteger(reply)) return "large";
  // JavaScript does not tell a NaN from a negative one.
  return typeof reply === "string" ? reply.replace(/ *[-+]?nan */gi, "nan") : reply;
}
