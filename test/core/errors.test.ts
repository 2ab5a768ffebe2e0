import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PermanentError, TickworkError } from "#core";
import { describeIssues, ERRORS, invalidRequest, mustBe, quote } from "../../packages/core/errors.ts";
import { ERROR_TEXTS, TASK_ERROR_TEXTS } from "../../scripts/error-texts.ts";
import { ERRORS_DOC, renderErrors } from "../../scripts/errors-doc.ts";

const PACKAGES = join(import.meta.dirname, "../../packages");
/** What the rooms do with codes: their source without comments, and without the catalogue's own lists. */
const sources = readdirSync(PACKAGES, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && file !== "tasks/error-codes.ts")
  .map((file) =>
    readFileSync(join(PACKAGES, file), "utf8").replace(/^.*?(?=export function taskNotFound)/s, ""),
  )
  .join("\n")
  .replaceAll(/\/\*.*?\*\//gs, "");

describe("the catalogue", () => {
  test("is printed in docs/errors.md; if not, run npm run docs:errors", () => {
    expect(readFileSync(ERRORS_DOC, "utf8")).toBe(renderErrors());
  });

  test("has no code that nothing raises", () => {
    const codes = [...Object.keys(ERROR_TEXTS), ...Object.keys(TASK_ERROR_TEXTS)];
    const raised = (code: string) => new RegExp(`["'\`]${code.replace("<status>", "\\$\\{status\\}")}["'\`]`);
    expect(codes.filter((code) => !raised(code).test(sources))).toEqual([]);
  });

  test("has every code that is raised anywhere", () => {
    const written = sources.matchAll(/\bcode(?:: \w+ =|:| =|',) ["']([a-z_]+)["']/g);
    const known = new Set([...Object.keys(ERRORS), ...Object.keys(TASK_ERROR_TEXTS)]);
    const unknown = [...written].map(([, code = ""]) => code).filter((code) => !known.has(code));
    expect(unknown).toEqual([]);
  });
});

describe("a message", () => {
  test("names what a value must be, and what it was, quoted and in one line", () => {
    expect(mustBe("true or false", "yes")).toBe('must be true or false, got "yes"');
    const cyclic: Record<string, unknown> = {};
    cyclic.itself = cyclic;
    expect(
      [undefined, null, 7n, { a: [1] }, [], cyclic, new Date("x"), Object.create(null)].map(quote),
    ).toEqual([
      "undefined",
      "null",
      "7",
      '{"a":[1]}',
      "[]",
      "<ref *1> { itself: [Circular *1] }",
      "Invalid Date",
      "{}",
    ]);
    expect(quote("x".repeat(200))).toHaveLength(80);
  });

  test("makes a sentence of a path and our own words, and keeps those of other schemas apart", () => {
    const issues = [
      { path: "type", message: "must be a string, got 7" },
      { path: "task_data.url", message: "Invalid URL" },
      { path: "", message: "the array must have 1 to 1000 tasks, got none" },
    ];
    expect(describeIssues(issues)).toBe(
      "type must be a string, got 7; task_data.url: Invalid URL; the array must have 1 to 1000 tasks, got none",
    );
    expect(invalidRequest(issues)).toMatchObject({ code: "invalid_request", kind: "invalid", issues });
  });
});

test("an error keeps its code, and its cause", () => {
  const cause = new Error("why");
  expect(new TickworkError("internal", "what", { cause })).toMatchObject({ kind: "internal", cause });
  expect(new PermanentError("what", { code: "account_closed", cause })).toMatchObject({
    name: "PermanentError",
    code: "account_closed",
    cause,
  });
});
