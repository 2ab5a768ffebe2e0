/** No secret gets into what people read. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLogger } from "#core";
import { findRedacted, isSecretName, REDACTED, redactNames, redactText } from "../../packages/core/redact.ts";
import { describeThrown } from "../../packages/core/run/thrown.ts";
import { plainJson } from "../support/hostile/requests.ts";

const KEY = `tw_${"x".repeat(43)}`;

describe("a text", () => {
  test.each([
    ["no answer from postgres://app:hunter2@db:5432/shop", "postgres://app:[redacted]@db:5432/shop"],
    ["rediss://:p4ss,word@cache failed", "rediss://:[redacted]@cache failed"],
    [
      "https://user:pass@example.com and https://a:b@c",
      "https://user:[redacted]@example.com and https://a:[redacted]@c",
    ],
    ["sent Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc-_1", "Authorization: Bearer [redacted]"],
    ["authorization=basic dXNlcjpwYXNzd29yZDE=", "authorization=basic [redacted]"],
    [`the key ${KEY} is wrong`, "the key tw_[redacted] is wrong"],
  ])("%s", (text, told) => {
    expect(redactText(text)).toContain(told);
    expect(redactText(text)).not.toMatch(/hunter2|p4ss|:pass|eyJ|dXNlcj|xxxx/);
  });

  test.each([
    "send the header Authorization: Bearer <API key>",
    "basic authentication is not supported",
    "http://127.0.0.1:3000/tasks?at=12:30@noon",
    "at run (file:///srv/tasks.ts:12:7)",
    "2026-11-24T09:00:00.000Z ada@example.com",
  ])("that has no secret stays as it is: %s", (text) => expect(redactText(text)).toBe(text));

  test("takes no longer than its length says, whatever is in it", () => {
    for (const part of [
      "a",
      "a.",
      "://",
      "a://",
      "a://b:",
      "bearer ",
      "bearer a",
      "Bearer 1",
      "tw_",
      "a:b@",
      "basic  ",
    ]) {
      const began = performance.now();
      redactText(part.repeat(200_000 / part.length));
      expect(performance.now() - began, part).toBeLessThan(500);
    }
  });
});

describe("a value", () => {
  test.each([
    "authorization",
    "Proxy-Authorization",
    "COOKIE",
    "Set-Cookie",
    "X-Api-Key",
    "apiKey",
    "client_secret",
    "accessToken",
    "password",
  ])("under the name %s is a secret", (name) => {
    const told = redactNames({
      a: [{ [name]: "s3cret", b: 1 }],
      [name]: ["s3cret", "other"],
      c: { [name]: 7 },
    });
    expect(told).toEqual({ a: [{ [name]: REDACTED, b: 1 }], [name]: [REDACTED, REDACTED], c: { [name]: 7 } });
  });

  test.each([
    "token",
    "next_page_token",
    "max_tokens",
    "author",
    "key",
    "secretary",
    "constructor",
    "__proto__",
  ])("under the name %s is none", (name) => expect(isSecretName(name)).toBe(false));

  test("keeps its shape, and stays the same where there is no secret", () => {
    fc.assert(
      fc.property(plainJson(), (value) => {
        expect(redactNames(value)).toBe(value);
        const given = { password: "s3cret", value };
        expect(redactNames(given)).toEqual({ password: REDACTED, value });
        expect(given.password).toBe("s3cret");
      }),
    );
  });

  test("with a field named __proto__ stays one", () => {
    const told = redactNames(JSON.parse('{"__proto__": {"password": "s3cret"}}')) as object;
    expect(JSON.stringify(told)).toBe(`{"__proto__":{"password":"${REDACTED}"}}`);
    expect(Object.getPrototypeOf(told)).toBe(Object.prototype);
  });

  test("is known by its path when it comes back", () => {
    expect(findRedacted({ a: [1, { b: REDACTED }] }, ["task_data"])).toBe("task_data.a.1.b");
    expect(findRedacted({ a: `not ${REDACTED}` })).toBeUndefined();
  });
});

test("logs have no secrets, at any depth", () => {
  const lines: string[] = [];
  const log = createLogger({
    level: "info",
    write: (line) => lines.push(line),
    fields: { apiKey: "s3cret-0" },
  });
  const cause = new Error("postgres://app:s3cret-1@db does not answer");
  log.info("sent Bearer s3cret-2-abcdefgh1", { headers: { Authorization: "s3cret-3" } });
  log.error("failed", { error: new Error(`the key ${KEY}`, { cause }), cause, cookie: "s3cret-4" });
  expect(lines.join()).not.toMatch(/s3cret|xxxx/);
  expect(lines.join()).toContain("app:[redacted]@db does not answer");
});

test("what a handler threw is kept without the secrets in it, stack and all", () => {
  const kept = describeThrown(new Error("connect to postgres://app:s3cret@db failed"));
  expect(kept.message).toBe("connect to postgres://app:[redacted]@db failed");
  expect(JSON.stringify(kept)).not.toContain("s3cret");
});
