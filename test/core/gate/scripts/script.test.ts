/** Arguments and keys have names, and arrive under them. */
import { describe, expect, test } from "vitest";
import { keysOf, rowsKeyOf } from "../../../../packages/core/gate/scripts/keys.ts";
import * as refresh from "../../../../packages/core/gate/scripts/refresh.ts";
import {
  number,
  optionalNumber,
  type Script,
  script,
  text,
} from "../../../../packages/core/gate/scripts/script.ts";
import { standings } from "../../../../packages/core/gate/scripts/standings.ts";
import type { Task } from "../../../../packages/core/tasks/task.ts";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { GATE_SCRIPTS } from "../../../support/redis/gate-scripts.ts";

const decode = (reply: unknown) => reply;
const HOLD = script({ args: { slot: number, token: text }, lua: "return flag(slot)", decode });

describe("arguments", () => {
  test("are sent in the script's order, in whatever order they are given", () => {
    expect(HOLD.encode({ slot: 0, token: "t" })).toEqual([0, "t"]);
    expect(HOLD.encode({ token: "t", slot: 0 })).toEqual([0, "t"]);
  });

  test("that are missing, too many or of another type do not compile", () => {
    // @ts-expect-error there is no token
    const missing = () => HOLD.encode({ slot: 0 });
    // @ts-expect-error there is no such argument
    const surplus = () => HOLD.encode({ slot: 0, token: "t", limit: 1 });
    // @ts-expect-error a slot is a number
    const mistyped = () => HOLD.encode({ slot: "0", token: "t" });
    const { began, limit } = { began: undefined, limit: 1 };
    // @ts-expect-error that there is no refresh has to be said
    const silent = () => refresh.PUT.encode({ limit, standings: [] });
    expect(refresh.PUT.encode({ began, limit, standings: [] })).toEqual(["", 1]);
    return [missing, surplus, mistyped, silent];
  });

  test("a standing is five of them, whatever it is", () => {
    const { encode } = script({ args: { limit: number, standings }, lua: "", decode });
    const task = { id: 1, task_data: { some: "data" } } as unknown as Task;
    expect(
      encode({
        limit: 9,
        standings: [
          { id: 1, rev: 2, kind: "waiting", atMs: 3, task },
          { id: 4, rev: 5, kind: "foreign", atMs: 6, inMs: 7 },
          { id: 8, rev: 9, kind: "running", atMs: 10, inMs: -11 },
          { id: 12, rev: 13, kind: "gone" },
        ],
      }),
    ).toEqual([
      ...[9],
      ...[1, 2, "waiting", 3, '{"id":1,"task_data":{"some":"data"}}'],
      ...[4, 5, "foreign", "~7", ""],
      ...[8, 9, "running", "~-11", ""],
      ...[12, 13, "gone", "", ""],
    ]);
  });
});

describe("what is sent", () => {
  test("has the keys and helpers that the script uses, and no comments or indentation", () => {
    const { lua } = script({
      args: { token: text },
      lua: `
      -- the comment of a line
      if token ~= '' then
        return int(call('ZCARD', running) + 1)
      end`,
      decode,
    });
    expect(lua.split("\n")).toEqual([
      "local running=KEYS[2]",
      "local call=redis.call",
      "local function int(n) return string.format('%.0f',n) end",
      "local token=ARGV[1]",
      "if token~='' then",
      "return int(call('ZCARD',running)+1)",
      "end",
    ]);
  });

  test.each(GATE_SCRIPTS)(
    "of $name has no literal with a blank, which compacting could change",
    ({ lua }) => {
      for (const [, literal] of lua.matchAll(/'([^']*)'/g)) expect(literal).not.toMatch(/[\s,]/);
    },
  );
});

test("all keys share a hash tag, so that a cluster keeps them together", () => {
  expect(keysOf("p", 2)).toEqual([
    ...["waiting", "running", "rev", "task", "gone", "state", "foreign"].map((name) => `{p}:v2:${name}`),
    ...["sleeper", "flag:0", "flag:1"].map((name) => `{p}:${name}`),
  ]);
  expect(keysOf("p", 1)).toContain(rowsKeyOf("p"));
});

describeOnStacks("a script", (bed) => {
  const run = <Values>({ lua, encode }: Script<Values, unknown, unknown>, values: Values, slots = 1) => {
    const keys = keysOf(bed.prefix, slots);
    return bed.redis("EVAL", lua, keys.length, ...keys, ...encode(values));
  };

  test("arguments arrive under their names, as text or as numbers", async () => {
    const echo = script({
      args: { a: text, b: number, c: optionalNumber, d: optionalNumber, standings },
      lua: "return {a, a == '07' and 1 or 0, b + 1, c == nil and 1 or 0, d * 2, ARGV[standings], #ARGV}",
      decode,
    });
    const standing = { id: 77, rev: 1, kind: "gone" } as const;
    expect(
      await run(echo, { d: 4, c: undefined, b: 1_795_582_183_290, a: "07", standings: [standing] }),
    ).toEqual(["07", 1, 1_795_582_183_291, 1, 8, "77", 9]);
  });

  test("keys arrive under their names, and a flag for each slot", async () => {
    const echo = script({
      args: {},
      lua: "return {waiting, running, revs, rows, gone, state, foreign, sleeper, flag(0), flag(slots - 1), slots}",
      decode,
    });
    const keys = keysOf(bed.prefix, 3);
    expect(await run(echo, {}, 3)).toEqual([...keys.slice(0, 9), keys.at(-1), 3]);
  });

  test("the time is Redis's, in whole milliseconds", async () => {
    const echo = script({ args: {}, lua: "return int(now())", decode });
    const before = Date.now();
    const now = await run(echo, {});
    expect(now).toMatch(/^\d{13}$/);
    expect(Number(now)).toBeGreaterThanOrEqual(before - 1_000);
    expect(Number(now)).toBeLessThanOrEqual(Date.now() + 1_000);
  });
});
