import { isIPv4 } from "node:net";
import { describe, expect, test } from "vitest";
import { PermanentError } from "#core";
import { createAddressGuard, type Lookup } from "../../packages/tasks/address-guard.ts";
import { parseAllowList } from "../../packages/tasks/allow-list.ts";
import { httpRequest, performHttpRequest } from "../../packages/tasks/http-request.ts";
import { eventually } from "../support/eventually.ts";
import { answering, resolveFor } from "../support/web/resolver.ts";
import { failureOf, runTask } from "../support/web/run-task.ts";
import { serve } from "../support/web/server.ts";

const SPECIAL: [string, string[]][] = [
  ["this host", ["0.0.0.0", "0.0.0.1", "0.255.255.255", "::"]],
  ["a private network", ["10.0.0.0", "10.1.2.3", "10.255.255.255"]],
  ["a private network", ["172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"]],
  ["a private network", ["fc00::", "fd00:ec2::254", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]],
  ["a private network of a carrier", ["100.64.0.0", "100.100.100.200", "100.127.255.255"]],
  ["loopback", ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"]],
  ["link-local", ["169.254.0.0", "169.254.169.254", "169.254.170.2", "169.254.255.255"]],
  ["link-local", ["fe80::", "fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]],
  ["reserved", ["192.0.0.0", "192.0.0.192", "192.88.99.1", "240.0.0.0", "255.255.255.254"]],
  ["reserved for documentation", ["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1"]],
  ["reserved for benchmarks", ["198.18.0.0", "198.19.255.255"]],
  ["multicast", ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"]],
  ["broadcast", ["255.255.255.255"]],
  ["the host of an Azure machine", ["168.63.129.16"]],
  ["loopback", ["::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:7f00:0001"]],
  ["link-local", ["::ffff:169.254.169.254", "::ffff:a9fe:a9fe"]],
  ["an IPv4-compatible address", ["::127.0.0.1", "::7f00:1", "::8.8.8.8"]],
  ["loopback (through NAT64)", ["64:ff9b::127.0.0.1", "64:ff9b::7f00:1"]],
  ["a private network (through NAT64)", ["64:ff9b::10.0.0.1"]],
  ["link-local (through NAT64)", ["64:ff9b::a9fe:a9fe"]],
  ["loopback (through 6to4)", ["2002:7f00:1::", "2002:7f00:1::1"]],
  ["a private network (through 6to4)", ["2002:a00:1::5", "2002:c0a8:101:1:2:3:4:5"]],
  ["link-local (through 6to4)", ["2002:a9fe:a9fe::1"]],
  // Teredo and its neighbours.
  ["reserved", ["2001::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:10::1", "2001:2::1"]],
  // Unassigned, site-local, local NAT64, discard-only, segment routing.
  ["reserved", ["4000::1", "fec0::1", "64:ff9b:1::1", "100::1", "5f00::1", "::1:0:0:0", "::ffff:0:7f00:1"]],
];

const PUBLIC = [
  ...["1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"],
  ...["126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"],
  ...["191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255"],
  ...["198.20.0.0", "198.51.99.255", "203.0.114.0", "223.255.255.255", "168.63.129.15"],
  ...["2000::1", "2606:4700:4700::1111", "2a00:1450:4001:801::200e", "2001:200::1", "2001:4860:4860::8888"],
  ...["2001:db7::1", "2001:db9::1", "3ffe::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"],
];

describe("addresses", () => {
  const refused = SPECIAL.flatMap(([reason, addresses]) =>
    addresses.map((address): [string, string] => [address, reason]),
  );

  test.each(refused)("%s is %s", async (address, reason) => {
    const host = address.includes(":") ? `[${address}]` : address;
    for (const scheme of ["http", "https"]) {
      const url = new URL(`${scheme}://${host}:8080/`);
      const guard = createAddressGuard([], answering([]));
      const error = await failureOf((async () => guard(url))());
      expect(error).toMatchObject({ name: "AddressRefusedError", code: "http_address_refused" });
      expect(error).toBeInstanceOf(PermanentError);
      expect(error.message).toContain(`is ${reason}.`);
    }
    // The same when a name resolves to it.
    const error = await failureOf(resolveFor("http://innocent.example/", answering([address])));
    expect(error).toMatchObject({ code: "http_address_refused" });
    expect(error.message).toBe(
      `http_request may not connect to innocent.example: ${address} is ${reason}. HTTP_REQUEST_ALLOW can allow the address or the host.`,
    );
  });

  test.each(PUBLIC)("%s is public", async (address) => {
    const host = address.includes(":") ? `[${address}]` : address;
    expect(createAddressGuard([], answering([]))(new URL(`http://${host}/`))).toBeTypeOf("function");
    const found = await resolveFor("http://public.example/", answering([address]));
    expect(found).toEqual([{ address, family: isIPv4(address) ? 4 : 6 }]);
  });

  test.each([
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "①②⑦.⓪.⓪.①",
    "0",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "0xA9FEA9FE",
    "2852039166",
    "[::FFFF:A9FE:A9FE]",
  ])("the spelling %s does not hide the address", async (host) => {
    const error = await failureOf(runTask(httpRequest, { url: `http://${host}/` }, { httpRequestAllow: [] }));
    expect(error.code).toBe("http_address_refused");
  });

  test.each(["localhost", "LOCALHOST"])("%s is resolved and refused", async (host) => {
    const error = await failureOf(runTask(httpRequest, { url: `http://${host}/` }, { httpRequestAllow: [] }));
    expect(error.code).toBe("http_address_refused");
    expect(error.message).toMatch(
      /^http_request may not connect to localhost: (127\.0\.0\.1|::1) is loopback/,
    );
  });

  // Not every resolver knows this name of localhost.
  test("localhost. is refused where it is resolved", async () => {
    const error = await failureOf(resolveFor("http://localhost./", answering(["127.0.0.1"])));
    expect(error.code).toBe("http_address_refused");
  });
});

describe("names", () => {
  test("of several addresses, the private ones are left out", async () => {
    const lookup = answering(["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1"]);
    expect(await resolveFor("http://mixed.example/", lookup)).toEqual([
      { address: "1.1.1.1", family: 4 },
      { address: "2606:4700::1", family: 6 },
    ]);
    expect(await resolveFor("http://mixed.example/", lookup, [], false)).toEqual(["1.1.1.1", 4]);
  });

  test("when none is left, the message names them, but not hundreds of them", async () => {
    const error = await failureOf(resolveFor("http://a.example/", answering(["10.0.0.1", "::1"])));
    expect(error.message).toBe(
      "http_request may not connect to a.example: 10.0.0.1 is a private network, ::1 is loopback. HTTP_REQUEST_ALLOW can allow the address or the host.",
    );
    const many = Array.from({ length: 200 }, (_, n) => `10.0.0.${n}`);
    expect((await failureOf(resolveFor("http://a.example/", answering(many)))).message.length).toBeLessThan(
      500,
    );
  });

  test("a resolver that answers with something other than an address", async () => {
    const error = await failureOf(resolveFor("http://a.example/", answering(["evil"])));
    expect(error.message).toContain("evil is not an IP address");
  });

  test("a name without an address", async () => {
    expect(await failureOf(resolveFor("http://a.example/", answering([])))).toMatchObject({
      code: "ENOTFOUND",
    });
  });

  test("a name that cannot be resolved is a network failure", async () => {
    const lookup: Lookup = async () => {
      throw Object.assign(new Error("getaddrinfo ENOTFOUND a.example"), { code: "ENOTFOUND" });
    };
    const error = await failureOf(perform("http://a.example/", lookup));
    expect(error).toMatchObject({ name: "HttpNetworkError", code: "ENOTFOUND" });
    expect(error.message).toBe("GET http://a.example/ failed: getaddrinfo ENOTFOUND a.example");
    expect(error).not.toBeInstanceOf(PermanentError);
  });

  test("a refused name ends the task, and nothing is connected to", async () => {
    const server = await serve((_, response) => response.end());
    const error = await failureOf(perform(`http://a.example:${server.port}/`, answering(["127.0.0.1"])));
    expect(error).toMatchObject({ name: "AddressRefusedError", code: "http_address_refused" });
    expect(error).toBeInstanceOf(PermanentError);
    expect(server.connections).toBe(0);
  });

  test("the connection goes to the address that was checked, whatever the name resolves to next", async () => {
    const server = await serve((_, response) => response.end("ok"));
    // The second answer would be refused, and a third is nowhere: one lookup is all there may be.
    const lookup = answering(["127.0.0.1"], ["10.0.0.1"]);
    const result = await perform(`http://a.example:${server.port}/`, lookup, ["127.0.0.1"]);
    expect(result.body).toBe("ok");
    expect(server.received[0]?.headers.host).toBe(`a.example:${server.port}`);
    expect(lookup.asked).toEqual(["a.example"]);
  });

  test("a name that resolves to a private address after a redirect to itself (rebinding)", async () => {
    const server = await serve((_, response) => response.writeHead(302, { location: "/again" }).end());
    const lookup = answering(["127.0.0.1"], ["127.0.0.2"]);
    const error = await failureOf(perform(`http://a.example:${server.port}/`, lookup, ["127.0.0.1"]));
    expect(error.code).toBe("http_address_refused");
    expect(error.message).toContain("127.0.0.2 is loopback");
    expect(lookup.asked).toHaveLength(2);
    expect(server.connections).toBe(1);
  });

  test("the guard resolves a name again for each connection", async () => {
    const lookup = answering(["1.1.1.1"], ["127.0.0.1"]);
    const guard = createAddressGuard([], lookup);
    const ask = () =>
      new Promise((resolve, reject) => {
        guard(new URL("http://a.example/"))("a.example", { all: true }, (error, found) =>
          error ? reject(error) : resolve(found),
        );
      });
    expect(await ask()).toEqual([{ address: "1.1.1.1", family: 4 }]);
    expect(await failureOf(ask())).toMatchObject({ code: "http_address_refused" });
  });

  test("of two addresses, the second is tried when the first does not answer", async () => {
    const server = await serve((_, response) => response.end("ok"));
    const lookup = answering(["127.0.0.9", "127.0.0.1"]);
    expect((await perform(`http://a.example:${server.port}/`, lookup, ["127.0.0.0/8"])).body).toBe("ok");
  });

  test("when none of several answers, the message says so for each", async () => {
    const server = await serve((_, response) => response.end("ok"));
    const lookup = answering(["127.0.0.8", "127.0.0.9"]);
    const error = await failureOf(perform(`http://a.example:${server.port}/`, lookup, ["127.0.0.0/8"]));
    expect(error.code).toBe("ECONNREFUSED");
    expect(error.message).toMatch(/failed: connect ECONNREFUSED 127\.0\.0\.8:\d+; connect ECONNREFUSED 127/);
  });

  test("a resolver that does not answer is waited for until the time limit or the abort", async () => {
    const never: Lookup = () => new Promise(() => {});
    const late = await failureOf(perform("http://a.example/", never, [], { timeout_seconds: 0.05 }));
    expect(late.code).toBe("http_timeout");

    const aborter = new AbortController();
    let asked = false;
    const waiting: Lookup = () => {
      asked = true;
      return new Promise(() => {});
    };
    const failed = failureOf(perform("http://a.example/", waiting, [], { signal: aborter.signal }));
    await eventually(() => asked);
    aborter.abort(new Error("over"));
    expect((await failed).message).toBe("over");
  });

  function perform(
    url: string,
    lookup: Lookup,
    allow: string[] = [],
    options: { timeout_seconds?: number; signal?: AbortSignal } = {},
  ) {
    const { timeout_seconds = 5, signal = new AbortController().signal } = options;
    return performHttpRequest(
      { method: "GET", url, headers: {}, timeout_seconds, follow_redirects: 5, redirect_headers: [] },
      { signal, guard: createAddressGuard(parseAllowList(allow), lookup) },
    );
  }
});
