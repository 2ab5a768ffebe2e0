import { describe, expect, test } from "vitest";
import { ConfigError, defineTask } from "#core";
import { definitionsOf } from "../../../packages/core/tasks/definitions-of.ts";

const greet = defineTask({ type: "greet", run: async () => "Hello" });
const report = defineTask({ type: "report", run: async () => {} });

describe("the definitions of a module", () => {
  test("are its list, and nothing beside it", () => {
    expect(definitionsOf({ definitions: [greet], report }, "tasks.ts")).toEqual([greet]);
  });

  test("or else its exports that are definitions, once each", () => {
    const module = { greet, report, default: greet, helper: () => {}, LIMIT: 3 };
    expect(definitionsOf(module, "tasks.ts")).toEqual([greet, report]);
  });

  test.each([
    [{}, "tasks.ts must export task definitions, by name or as the list `definitions`; it exports nothing."],
    [{ LIMIT: 3, helper: () => {} }, "it exports LIMIT, helper, and none is one."],
    [
      { definitions: { greet } },
      "`definitions` in tasks.ts must be a list of task definitions, got a value of type object.",
    ],
    [{ definitions: undefined }, "got undefined."],
    [
      { definitions: [greet, undefined] },
      "`definitions[1]` in tasks.ts must be a task definition, as defineTask makes it, got undefined.",
    ],
    [{ definitions: [[greet]] }, "got a list."],
  ])("of %o: %s", (module, message) => {
    expect(() => definitionsOf(module, "tasks.ts")).toThrow(message);
    expect(() => definitionsOf(module, "tasks.ts")).toThrow(ConfigError);
  });
});
