/** Which server a command talks to, and with which key. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { targetOf } from "../../packages/cli/server.ts";

const DATA_DIR = mkdtempSync(join(tmpdir(), "tickwork-target-"));
writeFileSync(join(DATA_DIR, "api-key"), "kept\n");
afterAll(() => rmSync(DATA_DIR, { recursive: true }));

test("by default, the one of this machine, with the key that is kept", () => {
  expect(targetOf({}, { DATA_DIR, PORT: "4000" }, undefined)).toEqual({
    url: "http://127.0.0.1:4000",
    apiKey: "kept",
    named: false,
  });
});

test.each(["http://localhost:4000", "http://127.0.0.2", "http://[::1]:1"])(
  "the kept key goes to %s",
  (url) => {
    expect(targetOf({ url }, { DATA_DIR }, undefined).apiKey).toBe("kept");
  },
);

test.each(["https://example.com", "http://127.0.0.1.example.com", "http://localhost@example.com", "there"])(
  "the kept key does not go to %s, a key that is given does",
  (url) => {
    expect(targetOf({}, { DATA_DIR }, url)).toEqual({ url, apiKey: undefined, named: true });
    expect(targetOf({ url }, { DATA_DIR, API_KEY: "mine" }, undefined).apiKey).toBe("mine");
    expect(targetOf({ url, apiKey: "other" }, { DATA_DIR, API_KEY: "mine" }, undefined).apiKey).toBe("other");
  },
);
