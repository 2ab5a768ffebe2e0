/** The time that a refusal takes says nothing about how much of a key is right. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, createApp } from "#api";
import type { MadeApiKey } from "#core";
import { openTestBed, type TestBed } from "../support/bed/bed.ts";
import { noteRings } from "../support/bed/doorbells.ts";

const KEY = "k".repeat(43);
let bed: TestBed;
let app: Api;
let made: string;
const beganMs = Date.now();

beforeAll(async () => {
  bed = await openTestBed("embedded");
  // Its clock stands, so that the list of keys is not read anew meanwhile.
  app = createApp({
    ...bed.make({ doorbell: noteRings() }),
    config: { apiKey: KEY },
    clock: { now: () => beganMs },
  });
  const response = await app.request("/keys", {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ name: "x", scopes: ["read"] }),
  });
  made = ((await response.json()) as MadeApiKey).key;
});
afterAll(() => bed.close());

const ROUNDS = 20_000;

const refuse = async (key: string): Promise<number> => {
  const began = process.hrtime.bigint();
  const { status } = await app.request("/session", { headers: { authorization: `Bearer ${key}` } });
  const tookNs = Number(process.hrtime.bigint() - began);
  expect(status).toBe(401);
  return tookNs;
};

const last = (key: string) => `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`;
const first = (key: string) =>
  key.replace(/^(tw_)?./, (start) => `${start.slice(0, -1)}${start.endsWith("A") ? "B" : "A"}`);

test.each([
  ["that of the environment", () => KEY],
  ["one that was made", () => made],
])("wrong in the first or the last character of %s", { timeout: 300_000 }, async (_, key) => {
  const times: [number[], number[]] = [[], []];
  const candidates = [first(key()), last(key())] as const;
  for (const candidate of candidates) for (let n = 0; n < 500; n++) await refuse(candidate);
  // By turns, in an order that is drawn, so that what else the machine does is the same for both.
  for (let n = 0; n < ROUNDS; n++) {
    const which = Math.random() < 0.5 ? 0 : 1;
    times[which].push(await refuse(candidates[which]));
  }
  expect(Math.abs(tOf(kept(times[0]), kept(times[1])))).toBeLessThan(4.5);
});

/** Without the slow tenth: garbage collection, and what else the machine does. */
function kept(times: number[]): number[] {
  return [...times].sort((one, other) => one - other).slice(0, Math.floor(times.length * 0.9));
}

/** Welch's t: beyond 4.5, the two differ for certain, which is the bound of dudect. */
function tOf(some: number[], others: number[]): number {
  const [one, other] = [some, others].map((times) => {
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1);
    return { mean, error: variance / times.length };
  }) as [{ mean: number; error: number }, { mean: number; error: number }];
  return (one.mean - other.mean) / Math.sqrt(one.error + other.error);
}
