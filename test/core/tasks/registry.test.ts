import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineTask, foreignTask, type TaskDefinition } from "#core";
import { DEFAULT_TIMEOUT_MS, ISSUES_LIMIT, NAME_LIMIT } from "../../../packages/core/limits.ts";
import { checkData, createRegistry } from "../../../packages/core/tasks/registry.ts";

const task = (differences: Partial<TaskDefinition> = {}): TaskDefinition => ({
  type: "note",
  run: async () => {},
  ...differences,
});

const key = () => "the same";

describe("a registry", () => {
  test("knows its types, which of them are foreign, and their definitions", () => {
    const note = task();
    const registry = createRegistry([note, foreignTask({ type: "theirs" })]);
    expect(registry).toMatchObject({ types: ["note", "theirs"], ours: ["note"], foreign: ["theirs"] });
    expect(registry.get("note")).toBe(note);
    expect(registry.get("unheard of")).toBeUndefined();
  });

  test("takes a name that is as long as it may be", () => {
    const type = "x".repeat(NAME_LIMIT);
    expect(createRegistry([task({ type })]).types).toEqual([type]);
  });

  test("may be open: other processes have the definitions of all other types", () => {
    expect(createRegistry([task()])).toMatchObject({ open: false });
    const registry = createRegistry([task()], { open: true });
    expect(registry).toMatchObject({ open: true, types: ["note"], ours: ["note"] });
    expect(registry.get("unheard of")).toBeUndefined();
  });

  test("has no longest time limit when it is empty", () => {
    expect(createRegistry([]).longestTimeoutMs).toBe(0);
  });

  test("gives each type its time limit, and knows the longest", () => {
    const [short, usual] = [task({ type: "short", timeoutSeconds: 0.5 }), task()];
    const registry = createRegistry([short, usual]);
    expect(registry.timeoutMsOf(short)).toBe(500);
    expect(registry.timeoutMsOf(usual)).toBe(DEFAULT_TIMEOUT_MS);
    expect(registry.longestTimeoutMs).toBe(DEFAULT_TIMEOUT_MS);
  });

  test("cuts the usual time limit to what the platform allows, and refuses one that was asked for", () => {
    const timeoutLimitMs = 60_000;
    expect(createRegistry([task()], { timeoutLimitMs }).longestTimeoutMs).toBe(timeoutLimitMs);
    expect(createRegistry([task({ timeoutSeconds: 60 })], { timeoutLimitMs }).longestTimeoutMs).toBe(60_000);
    expect(() => createRegistry([task({ timeoutSeconds: 61 })], { timeoutLimitMs })).toThrow(
      /timeoutSeconds.* 60 .*61/,
    );
  });

  test.each<[string, TaskDefinition[], RegExp]>([
    ["two of one type", [task(), task()], /"note".*twice/],
    ["an empty name", [task({ type: "" })], /1 to 255 .*0/],
    ["a name that is too long", [task({ type: "x".repeat(256) })], /1 to 255 .*256/],
    ["no attempts", [task({ maxAttempts: 0 })], /"note".*maxAttempts.*0/],
    ["a batch of none", [task({ batch: { size: 0 } })], /"note": batch\.size must be .* 1 to 1000, got 0/],
    ["a batch that is too large", [task({ batch: { size: 1_001 } })], /batch\.size .*got 1001/],
    ["a batch of text", [task({ batch: "yes" as never })], /batch must be true or .*"yes"/],
    [
      "results that wait too long",
      [task({ batch: { settleWithinMs: 5_000 } })],
      /settleWithinMs .*1000, got 5000/,
    ],
    ["results that do not wait", [task({ batch: { settleWithinMs: 0 } })], /settleWithinMs .*got 0/],
    ["a foreign batch", [task({ batch: true, foreign: true })], /another program/],
    ["no handler", [{ type: "note" } as TaskDefinition], /must have run, or runMany/],
    ["two handlers", [task({ runMany: async () => [] })], /run or runMany, got both/],
    [
      "one for many that runs alone",
      [defineTask({ type: "note", batch: false, runMany: async () => [] })],
      /batch: false/,
    ],
    ["one for many that was not defined", [{ type: "note", runMany: async () => [] } as never], /defineTask/],
    ["a key that is none", [task({ unique: { key: "to" } as never })], /unique\.key must be a function/],
    ["unique for ever", [task({ unique: { key, for: "always" as never } })], /unique\.for .*"always"/],
    ["unique for no time", [task({ unique: { key, for: 0 } })], /unique\.for .*got 0/],
    ["another conflict", [task({ unique: { key, onConflict: "skip" as never } })], /onConflict .*"skip"/],
    [
      "one that is postponed for ever",
      [task({ unique: { key, onConflict: "postpone" } })],
      /longestWaitSeconds .*got undefined/,
    ],
    [
      "a wait before now",
      [task({ unique: { key, onConflict: "replace", longestWaitSeconds: -5 } })],
      /longestWaitSeconds .*got -5/,
    ],
    ["a wait for nothing", [task({ unique: { key, longestWaitSeconds: 5 } })], /come with onConflict/],
    ["half an attempt", [task({ maxAttempts: 1.5 })], /maxAttempts.*1\.5/],
    ["no time", [task({ timeoutSeconds: 0 })], /timeoutSeconds.*0/],
    ["a time that is not a number", [task({ timeoutSeconds: Number.NaN })], /timeoutSeconds.*NaN/],
  ])("refuses %s, and says what it got", (_, definitions, message) => {
    const create = () => createRegistry(definitions);
    expect(create).toThrow(message);
    expect(create).toThrow(expect.objectContaining({ kind: "invalid", code: "bad_definition" }));
  });
});

describe("data", () => {
  const order = defineTask({
    type: "order",
    data: v.object({ lines: v.array(v.object({ count: v.number() })), note: v.optional(v.string(), "none") }),
    run: async () => {},
  });

  test("is what the schema makes of it", async () => {
    expect(await checkData(order, { lines: [{ count: 1 }] })).toEqual({
      value: { lines: [{ count: 1 }], note: "none" },
    });
  });

  test("is passed on as it is where there is no schema", async () => {
    expect(await checkData(task(), { any: "thing" })).toEqual({ value: { any: "thing" } });
    expect(await checkData(task(), null)).toEqual({ value: null });
  });

  test("that is absent may be filled in by the schema", async () => {
    const optional = task({ data: v.optional(v.object({}), {}) });
    expect(await checkData(optional, null)).toEqual({ value: {} });
  });

  test("that the schema refuses has an issue for each value, with its path", async () => {
    const checked = await checkData(order, { lines: [{ count: 1 }, { count: "two" }], note: 5 });
    expect(checked).toMatchObject({
      issues: [{ path: "task_data.lines.1.count" }, { path: "task_data.note" }],
    });
  });

  test("of a type that another program runs is checked too", async () => {
    const theirs = foreignTask({ type: "theirs", data: v.object({ to: v.string() }) });
    expect(await checkData(theirs, { to: 5 })).toMatchObject({ issues: [{ path: "task_data.to" }] });
  });

  test("may be checked by a schema that names the parts of a path alone, as Zod's do", async () => {
    const named: NonNullable<TaskDefinition["data"]> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => ({ issues: [{ message: "is wrong", path: ["lines", 1, { key: "count" }] }] }),
      },
    };
    expect(await checkData(task({ data: named }), {})).toMatchObject({
      issues: [{ path: "task_data.lines.1.count" }],
    });
  });

  test("keeps the issues that can be told, and counts all of them", async () => {
    const checked = await checkData(order, { lines: Array(100_000).fill(7) });
    expect("issues" in checked && [checked.issues.length, checked.count]).toEqual([ISSUES_LIMIT, 100_000]);
  });
});
