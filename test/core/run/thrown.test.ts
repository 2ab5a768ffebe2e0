import { expect, test } from "vitest";
import { STACK_LIMIT } from "../../../packages/core/limits.ts";
import { describeThrown } from "../../../packages/core/run/thrown.ts";

test("an error keeps its name, message and stack", () => {
  const error = new TypeError("it broke");
  expect(describeThrown(error)).toEqual({ name: "TypeError", message: "it broke", stack: error.stack });
});

test.each([
  ["a string", "ENOENT", { code: "ENOENT" }],
  ["a number, as a string", 42, { code: "42" }],
  ["not an object", { deep: true }, {}],
])("the code of an error is kept when it is %s", (_, code, expected) => {
  const { code: kept } = describeThrown(Object.assign(new Error("it broke"), { code }));
  expect({ ...(kept === undefined ? {} : { code: kept }) }).toEqual(expected);
});

test("an error without a message is called by its name", () => {
  expect(describeThrown(new RangeError())).toMatchObject({ message: "RangeError" });
});

test("a name that is not a string becomes one", () => {
  expect(describeThrown(Object.assign(new Error("odd"), { name: 5 }))).toMatchObject({ name: "5" });
});

const circular: { self?: unknown } = {};
circular.self = circular;

test.each<[string, unknown, unknown]>([
  ["a string", "a string", "a string"],
  ["an object", { status: 500 }, '{"status":500}'],
  ["nothing", undefined, "undefined"],
  ["a symbol", Symbol("odd"), "Symbol(odd)"],
  ["an object that contains itself", circular, expect.stringContaining("[Circular *1]")],
  ["an object that has no JSON", { toJSON: () => undefined }, expect.stringContaining("toJSON")],
])("what is not an error is described: %s", (_, thrown, message) => {
  expect(describeThrown(thrown)).toEqual({ name: "NonError", message });
});

test("everything can be stored by Postgres: no zero byte, no half of a surrogate pair", () => {
  const error = Object.assign(new Error("a\0b \ud800"), { name: "Odd\0", code: "\0x", stack: "s\0\udfff" });
  expect(describeThrown(error)).toEqual({ message: "ab \ufffd", name: "Odd", code: "x", stack: "s\ufffd" });
  expect(describeThrown("a\0b \ud800")).toMatchObject({ message: "ab \ufffd" });
});

test("a long message and a long stack are cut", () => {
  const error = Object.assign(new Error("m".repeat(2 * STACK_LIMIT)), { stack: "s".repeat(2 * STACK_LIMIT) });
  expect(describeThrown(error)).toMatchObject({
    message: "m".repeat(STACK_LIMIT),
    stack: "s".repeat(STACK_LIMIT),
  });
});
