import { afterEach, expect, test, vi } from "vitest";
import { createDatabase, systemClock } from "#core";
import { POSTGRES_TIMEOUT_MS } from "../../../packages/core/limits.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a driver that never answers is an error when its time is up, and is told to give up", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const signals: AbortSignal[] = [];
  const never = (_: unknown, signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<never>(() => {});
  };
  const database = createDatabase({ query: never, transaction: never, close: async () => {} }, systemClock);
  const statement = { text: "select 1" };
  const unanswered = (timeoutMs: number) => ({
    message: `Postgres: no answer in ${timeoutMs} ms`,
    sqlState: undefined,
    transient: true,
  });
  const asked = Promise.all([
    expect(database.query(statement)).rejects.toMatchObject(unanswered(POSTGRES_TIMEOUT_MS)),
    expect(database.transaction([statement], { timeoutMs: 3_000 })).rejects.toMatchObject(unanswered(3_000)),
  ]);
  await vi.advanceTimersByTimeAsync(POSTGRES_TIMEOUT_MS);
  await asked;
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});
