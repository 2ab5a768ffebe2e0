import { neon } from "@neondatabase/serverless";
import { afterEach, expect, test, vi } from "vitest";
import { createDatabase, systemClock } from "#core";
import { answerNeon, forgetNeon } from "#local";
import { POSTGRES_TIMEOUT_MS } from "../../../packages/core/limits.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a Postgres that takes a statement and says nothing is an error when its time is up", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const never = new Promise<never>(() => {});
  const url = answerNeon("mute", { query: () => never, transaction: () => never, close: async () => {} });
  const database = createDatabase(neon(url), systemClock);
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
  forgetNeon(url);
});
