import { describe, expect, test } from "vitest";
import { JSON_DEPTH_LIMIT } from "../../../packages/core/limits.ts";
import { findUnstorable } from "../../../packages/core/tasks/storable.ts";

const nested = (depth: number): unknown[] => (depth === 1 ? [] : [nested(depth - 1)]);
const circle: { self?: unknown } = {};
circle.self = circle;

test.each([
  ["nothing", undefined],
  ["null, also inside", { a: [null] }],
  ["text of any language, and half a pair's whole", "日本 \u{1F600}"],
  ["numbers", [0, -1.5, Number.MAX_VALUE]],
  ["a time", { at: new Date(0) }],
  ["as many levels as may be", nested(JSON_DEPTH_LIMIT)],
  ["many siblings", { a: [[], []], b: nested(JSON_DEPTH_LIMIT - 1), c: nested(JSON_DEPTH_LIMIT - 1) }],
])("can be stored: %s", (_, value) => {
  expect(findUnstorable(value, "task_data", { converted: false })).toBeUndefined();
});

describe("cannot be stored", () => {
  test.each([
    ["U+0000", { a: ["fine", "a\0b"] }, "task_data.a.1", /^must be text without U\+0000/],
    ["half a surrogate pair", "\ud800", "task_data", /^must be text/],
    ["such a name", { a: { "b\0": 1 } }, "task_data.a.b\0", /^must be under a name that is text/],
    ["a number that JSON does not have", [Number.NaN], "task_data.0", /^must be a finite number, got NaN/],
    ["a bigint", { n: 7n }, "task_data.n", /^must be a number that JSON has/],
    [
      "what a value says that it is in JSON",
      { a: { toJSON: () => ["\0"] } },
      "task_data.a.0",
      /^must be text/,
    ],
    ["too many levels", nested(JSON_DEPTH_LIMIT + 1), /^task_data(\.0)+$/, /^must be nested at most/],
    ["an object that contains itself", circle, /^task_data(\.self)+$/, /^must be nested at most/],
  ])("%s", (_, value, path, message) => {
    expect(findUnstorable(value, "task_data", { converted: false })).toEqual({
      path: typeof path === "string" ? path : expect.stringMatching(path),
      message: expect.stringMatching(message),
    });
  });
});
