import { describe, expect, test } from "vitest";
import { ConfigError, PermanentError } from "#core";
import { createAddressGuard } from "../../packages/tasks/address-guard.ts";
import { parseAllowList } from "../../packages/tasks/allow-list.ts";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { answering, resolveFor } from "../support/web/resolver.ts";
import { failureOf, runTask } from "../support/web/run-task.ts";
import { serve } from "../support/web/server.ts";

describe("HTTP_REQUEST_ALLOW", () => {
  const reaches = async (entry: string, url: string, addresses: string[] = []) => {
    try {
      const guard = createAddressGuard(parseAllowList([entry]), answering(addresses));
      guard(new URL(url));
      if (addresses.length > 0) await resolveFor(url, answering(addresses), [entry]);
      return true;
    } catch (error) {
      if (error instanceof PermanentError) return false;
      throw error;
    }
  };

  test.each([
    ["10.0.0.5", "http://10.0.0.5/"],
    ["10.0.0.5", "https://10.0.0.5:8443/"],
    ["10.0.0.5", "http://[::ffff:10.0.0.5]/"],
    ["::ffff:10.0.0.5", "http://10.0.0.5/"],
    ["::ffff:10.0.0.0/104", "http://10.1.2.3/"],
    ["10.0.0.0/8", "http://10.255.0.1/"],
    ["10.9.9.9/8", "http://10.255.0.1/"],
    ["0.0.0.0/0", "http://169.254.169.254/"],
    ["10.0.0.5:8080", "http://10.0.0.5:8080/"],
    ["127.0.0.1:80", "http://127.0.0.1/"],
    ["127.0.0.1:443", "https://127.0.0.1/"],
    ["::1", "http://[::1]:3000/"],
    ["[::1]", "http://[::1]:3000/"],
    ["[::1]:3000", "http://[::1]:3000/"],
    ["fd00::/8", "http://[fd12::1]/"],
    ["FD00::1", "http://[fd00::1]/"],
    ["64:ff9b::/96", "http://[64:ff9b::10.0.0.1]/"],
    [" 10.0.0.5 ", "http://10.0.0.5/"],
  ])("%s allows %s", async (entry, url) => {
    expect(await reaches(entry, url)).toBe(true);
  });

  test.each([
    ["10.0.0.5", "http://10.0.0.6/"],
    ["10.0.0.0/16", "http://10.1.0.1/"],
    ["10.0.0.5/32", "http://10.0.0.4/"],
    ["10.0.0.5:8080", "http://10.0.0.5:8081/"],
    ["10.0.0.5:8080", "http://10.0.0.5/"],
    ["127.0.0.1:80", "https://127.0.0.1/"],
    ["[::1]:3000", "http://[::1]:3001/"],
    ["::1", "http://127.0.0.1/"],
    ["0.0.0.0/0", "http://[::1]/"],
    ["::/0", "http://127.0.0.1/"],
    ["10.0.0.1", "http://[64:ff9b::10.0.0.1]/"],
    ["localhost", "http://127.0.0.1/"],
  ])("%s does not allow %s", async (entry, url) => {
    expect(await reaches(entry, url)).toBe(false);
  });

  test.each([
    ["internal.example", "http://internal.example/", ["10.0.0.1", "::1"]],
    ["INTERNAL.example.", "http://internal.example./", ["10.0.0.1"]],
    ["internal.example:8080", "http://internal.example:8080/", ["10.0.0.1"]],
    ["bücher.example", "http://xn--bcher-kva.example/", ["10.0.0.1"]],
    ["my_service", "http://my_service/", ["172.17.0.2"]],
    ["10.0.0.1", "http://internal.example/", ["10.0.0.1"]],
    ["10.0.0.1:80", "http://internal.example/", ["10.0.0.1"]],
  ])("%s allows the name in %s to resolve to %j", async (entry, url, addresses) => {
    expect(await reaches(entry, url, addresses)).toBe(true);
  });

  test.each([
    ["internal.example", "http://other.internal.example/", ["10.0.0.1"]],
    ["internal.example", "http://example/", ["10.0.0.1"]],
    ["internal.example:8080", "http://internal.example/", ["10.0.0.1"]],
    ["10.0.0.1:81", "http://internal.example/", ["10.0.0.1"]],
    ["10.0.0.1", "http://internal.example/", ["10.0.0.2"]],
  ])("%s does not allow the name in %s to resolve to %j", async (entry, url, addresses) => {
    expect(await reaches(entry, url, addresses)).toBe(false);
  });

  test.each([
    "",
    "*",
    "*.example.com",
    "http://internal.example",
    "internal.example/path",
    "internal example",
    "user@internal.example",
    "internal.example:",
    "internal.example:0",
    "internal.example:65536",
    "internal.example:http",
    ":8080",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0.0/8:80",
    "10.0.0.0-10.0.0.9",
    "10.0",
    "127.1",
    "0x7f.1",
    "2130706433",
    "256.1.1.1",
    "::/129",
    ":::1",
    "[::1",
    "[localhost]",
    "[::1]:",
    "::1]:80",
    "fe80::1%eth0",
    "a..b",
    ".",
    "internal.example?",
  ])("%j is reported", (entry) => {
    expect(() => parseAllowList(["10.0.0.1", entry])).toThrow(ConfigError);
    expect(() => parseAllowList(["10.0.0.1", entry])).toThrow(
      `HTTP_REQUEST_ALLOW: each entry must be an IP address (10.0.0.5), a network (10.0.0.0/8), a host name (internal.example) or one of its ports (internal.example:8080), got ${JSON.stringify(entry)}.`,
    );
  });

  test("a malformed entry ends the request before anything is sent", async () => {
    const server = await serve((_, response) => response.end());
    const error = await failureOf(
      runTask(httpRequest, { url: server.url }, { httpRequestAllow: ["127.0.0.1", "*"] }),
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(server.connections).toBe(0);
  });
});
