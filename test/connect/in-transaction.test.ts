/** How long a transaction stays armed, in time that the test moves. */

import { expect, test } from "vitest";
import type { Database, Doorbell } from "#core";
import { createInTransaction } from "../../packages/connect/in-transaction.ts";
import { ARM_AGAIN_MS, ARMED_LIMIT_MS, ARMED_MS, BATCH_LIMIT } from "../../packages/core/limits.ts";
import { createEncryption } from "../../packages/core/tasks/encryption.ts";
import { noteLog } from "../support/run/noted-log.ts";
import { createVirtualClock } from "../support/world/virtual-clock.ts";

const MINUTE_MS = 60_000;

/** What Postgres says of the transaction is given; the rest is real. */
function open() {
  const clock = createVirtualClock();
  const { log, lines } = noteLog();
  const rings: number[] = [];
  const told: (readonly number[])[] = [];
  const state = { how: "in progress" as string | Error, asked: 0, doorbell: true, id: 0 };
  const database = {
    query: async () => {
      state.asked++;
      if (state.how instanceof Error) throw state.how;
      return [{ status: state.how }];
    },
  } as unknown as Database;
  const doorbell = {
    ringAfter: async (afterMs: number) => {
      if (!state.doorbell) throw new Error("no doorbell");
      rings.push(clock.now() + afterMs);
    },
  } as unknown as Doorbell;
  const tx = {
    connect: () => {},
    query: async (_: string, [given]: unknown[]) => {
      const tasks = (JSON.parse(String(given)) as object[]).map(() => ({ id: ++state.id }));
      return { rows: [{ answer: JSON.stringify({ tasks, xid: "7" }) }] };
    },
  };
  const inTransaction = createInTransaction({
    encryption: createEncryption([], () => false),
    ...{ database, doorbell, clock, log, postgresTells: false },
    tell: async (ids) => void told.push(ids),
  });
  const make = (count = 1) => inTransaction.create(tx, Array(count).fill({ type: "greet" }), {});
  return { clock, lines, rings, told, state, tx, make, ...inTransaction };
}

test("as long as it is open there is a ring to come, by five seconds at least, and after a quarter of an hour no more", async () => {
  const { clock, rings, state, told, lines, tx, make, committed } = open();
  await make();
  for (let ms = 0; ms < ARMED_LIMIT_MS; ms += 1_000) {
    expect(Math.max(...rings) - clock.now()).toBeGreaterThanOrEqual(ARMED_MS - ARM_AGAIN_MS);
    await clock.pass(1_000);
  }
  await clock.pass(MINUTE_MS);
  const [armed, asked] = [rings.length, state.asked];
  expect(armed).toBeLessThanOrEqual(ARMED_LIMIT_MS / ARM_AGAIN_MS + 5);
  expect(asked).toBeLessThanOrEqual(ARMED_LIMIT_MS / ARM_AGAIN_MS + 5);
  expect(lines).toMatchObject([{ level: "warn", message: expect.stringMatching(/armed no more/), tasks: 1 }]);
  await clock.pass(60 * MINUTE_MS);
  expect([rings.length, state.asked]).toEqual([armed, asked]);
  // Who tells of it after all is heard.
  await committed(tx);
  expect(told).toEqual([[1]]);
});

test.each([
  ["committed", [[1]]],
  ["aborted", []],
])("once Postgres says that it is %s, there is no more of it", async (how, expected) => {
  const { clock, rings, told, state, make } = open();
  await make();
  await clock.pass(20_000);
  state.how = how;
  await clock.pass(ARM_AGAIN_MS);
  expect(told).toEqual(expected);
  const [armed, asked] = [rings.length, state.asked];
  await clock.pass(60 * MINUTE_MS);
  expect([rings.length, state.asked]).toEqual([armed, asked]);
});

test("it stays armed while Postgres cannot be asked, and is armed as soon as the doorbell can be", async () => {
  const { clock, rings, told, state, make } = open();
  state.doorbell = false;
  state.how = new Error("away");
  await make();
  expect(rings).toEqual([]);
  state.doorbell = true;
  await clock.pass(1_000);
  expect(rings).toHaveLength(1);
  await clock.pass(MINUTE_MS);
  expect(Math.max(...rings)).toBeGreaterThan(clock.now());
  state.how = "committed";
  await clock.pass(ARM_AGAIN_MS);
  expect(told).toEqual([[1]]);
});

test("who runs it and says how it ended asks Postgres nothing; what it made is told in parts", async () => {
  const { clock, rings, told, state, tx, make, own, beforeCommit, committed } = open();
  own(tx);
  await make(BATCH_LIMIT);
  await make();
  await clock.pass(4_000);
  expect(rings).toHaveLength(1);
  await clock.pass(4_500);
  await beforeCommit(tx);
  expect(Math.max(...rings) - clock.now()).toBeGreaterThanOrEqual(ARM_AGAIN_MS);
  await committed(tx);
  expect(told.map((ids) => ids.length)).toEqual([BATCH_LIMIT, 1]);
  expect(state.asked).toBe(0);
});

test("closing tells what is committed by then, and leaves the rest to the ring", async () => {
  const { told, state, make, close } = open();
  await make();
  state.how = "committed";
  await close();
  expect(told).toEqual([[1]]);
});
