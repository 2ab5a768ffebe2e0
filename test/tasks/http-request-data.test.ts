import { describe, expect, test } from "vitest";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { issuesOf } from "../support/web/run-task.ts";

describe("rejects", () => {
  test.each([
    [{}, /^url is missing$/],
    [null, /^must be an object with method, url, .*, got undefined$/],
    [{ url: "x" }, /^url must be a URL that begins with http:\/\/ or https:\/\/, got "x"$/],
    [{ url: "ftp://x/" }, /^url must begin with http:\/\/ or https:\/\/, got "ftp:"$/],
    [{ url: "file:///etc/passwd" }, /^url must .*, got "file:"$/],
    [{ url: `http://x/${"y".repeat(9_000)}` }, /^url must have at most 8192 characters, got 9009$/],
    [{ url: "http://x/", method: "TRACE" }, /^method: .*"OPTIONS"\) but received "TRACE"/],
    [{ url: "http://x/", method: "get" }, /^method: .*received "get"/],
    [{ url: "http://x/", timeout: 3 }, /^timeout is not a known field; .* timeout_seconds/],
    [
      { url: "http://x/", timeout_seconds: 0 },
      /^timeout_seconds must be more than 0 and at most 600, got 0$/,
    ],
    [{ url: "http://x/", timeout_seconds: 601 }, /^timeout_seconds must .*, got 601$/],
    [{ url: "http://x/", timeout_seconds: Number.NaN }, /^timeout_seconds: /],
    [
      { url: "http://x/", follow_redirects: 6 },
      /^follow_redirects must be a whole number from 0 to 5, got 6$/,
    ],
    [{ url: "http://x/", follow_redirects: -1 }, /^follow_redirects must .*, got -1$/],
    [{ url: "http://x/", follow_redirects: 1.5 }, /^follow_redirects must .*, got 1.5$/],
    [{ url: "http://x/", follow_redirects: true }, /^follow_redirects: /],
    [{ url: "http://x/", body: {} }, /^body must be absent, since a GET request has none$/],
    [{ url: "http://x/", method: "HEAD", body: "" }, /^body must be absent, since a HEAD request has none$/],
    [{ url: "http://x/", headers: { a: 1 } }, /^headers\.a: .*string/],
    [
      { url: "http://x/", headers: { "a b": "1" } },
      /^headers must have names of letters, digits and hyphens, got "a b"$/,
    ],
    [{ url: "http://x/", headers: { "": "1" } }, /^headers must have names .*, got ""$/],
    [{ url: "http://x/", headers: { a: "1\r\nb: 2" } }, /^headers must have no line break.* in "a"$/],
    [{ url: "http://x/", headers: { a: "☃" } }, /^headers must have no .* in "a"$/],
    [{ url: "http://x/", headers: { A: "1", a: "2" } }, /^headers must not have "a" twice/],
    [
      { url: "http://x/", headers: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`a${n}`, 1])) },
      /^headers must have at most 100 entries, got 101$/,
    ],
    [{ url: "http://x/", redirect_headers: "a" }, /^redirect_headers: .*Array/],
    [
      { url: "http://x/", headers: { A: "1" }, redirect_headers: ["a", "b"] },
      /^redirect_headers must be names of headers, got "b"$/,
    ],
  ])("%j", async (data, message) => {
    expect((await issuesOf(httpRequest, data)).join("\n")).toMatch(message);
  });

  test.each([
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Host",
    "Content-Length",
    "Expect",
  ])("the header %s", async (name) => {
    expect(await issuesOf(httpRequest, { url: "http://x/", headers: { [name]: "1" } })).toEqual([
      `headers must not have "${name}", which belongs to the connection`,
    ]);
  });

  test("a password in a URL, without repeating it", async () => {
    const issues = await issuesOf(httpRequest, { url: "http://me:secret@example.com/" });
    expect(issues).toEqual(["url must have no user name and no password; send an authorization header"]);
  });
});
