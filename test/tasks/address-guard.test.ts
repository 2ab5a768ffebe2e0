import type { LookupAddress } from "node:dns";
import { BlockList, isIPv4 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError, PermanentError } from "#core";
import { createAddressGuard, type Lookup } from "../../packages/tasks/address-guard.ts";
import { parseAllowList } from "../../packages/tasks/allow-list.ts";
import { httpRequest, performHttpRequest } from "../../packages/tasks/http-request.ts";
import { contains, parseAddress, parseNetwork, specialUseOf } from "../../packages/tasks/ip-address.ts";
import { eventually } from "../support/eventually.ts";
import { failureOf, runTask } from "../support/web/run-task.ts";
import { serve } from "../support/web/server.ts";

/** A resolver that answers with these, one list a call, the last one for ever. */
function answering(...answers: string[][]): Lookup & { asked: string[] } {
  const asked: string[] = [];
  const lookup = async (host: string): Promise<LookupAddress[]> => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(host);
    return answer.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
  };
  return Object.assign(lookup, { asked });
}

/** What a connection to `url` would be given by the guard. */
function resolveFor(url: string, lookup: Lookup, allow: string[] = [], all = true): Promise<unknown> {
  const guarded = createAddressGuard(parseAllowList(allow), lookup)(new URL(url));
  return new Promise((resolve, reject) => {
    guarded(new URL(url).hostname, { all }, (error, address, family) => {
      if (error) reject(error);
      else resolve(all ? address : [address, family]);
    });
  });
}

const REFUSED: [string, string[]][] = [
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
  // Nobody's, site-local, local NAT64, discard-only, segment routing.
  ["reserved", ["4000::1", "fec0::1", "64:ff9b:1::1", "100::1", "5f00::1", "::1:0:0:0", "::ffff:0:7f00:1"]],
];

const ACCEPTED = [
  ...["1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"],
  ...["126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"],
  ...["191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255"],
  ...["198.20.0.0", "198.51.99.255", "203.0.114.0", "223.255.255.255", "168.63.129.15"],
  ...["2000::1", "2606:4700:4700::1111", "2a00:1450:4001:801::200e", "2001:200::1", "2001:4860:4860::8888"],
  ...["2001:db7::1", "2001:db9::1", "3ffe::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"],
];

describe("addresses", () => {
  const refused = REFUSED.flatMap(([reason, addresses]) =>
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
    // And when a name resolves to it.
    const error = await failureOf(resolveFor("http://innocent.example/", answering([address])));
    expect(error).toMatchObject({ code: "http_address_refused" });
    expect(error.message).toBe(
      `http_request may not connect to innocent.example: ${address} is ${reason}. HTTP_REQUEST_ALLOW can allow the address or the host.`,
    );
  });

  test.each(ACCEPTED)("%s is public", async (address) => {
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
  ])("the spelling %s is seen through", async (host) => {
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

  // Not every resolver knows localhost by this name.
  test("localhost. is refused where it is resolved", async () => {
    const error = await failureOf(resolveFor("http://localhost./", answering(["127.0.0.1"])));
    expect(error.code).toBe("http_address_refused");
  });

  test("Node's own lists say the same of every IPv4 address, in each of its forms", () => {
    const list = new BlockList();
    for (const cidr of [
      ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
      ...["192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"],
      ...["198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "168.63.129.16/32"],
    ]) {
      const [network = "", length] = cidr.split("/");
      list.addSubnet(network, Number(length));
    }
    const use = (text: string) => {
      const address = parseAddress(text);
      if (!address) throw new Error(`${text} is not an address`);
      return specialUseOf(address);
    };
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        const expected = list.check(address);
        expect(use(address) !== undefined).toBe(expected);
        expect(use(`::ffff:${address}`)).toBe(use(address));
        expect(use(`::ffff:${hex}`)).toBe(use(address));
        expect(use(`64:ff9b::${address}`) !== undefined).toBe(expected);
        expect(use(`2002:${hex}::1`) !== undefined).toBe(expected);
        expect(use(`::${address}`)).toBeDefined();
      }),
      { numRuns: 2_000 },
    );
  });

  test("IPv6 is read as Node reads it", () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.integer({ min: 0, max: 128 }), fc.ipV6(), (base, length, other) => {
        const list = new BlockList();
        list.addSubnet(base, length, "ipv6");
        const network = parseNetwork(`${base}/${length}`);
        const address = parseAddress(other);
        const same = parseAddress(base);
        // Mapped addresses are IPv4 for us.
        if (!network || !address || !same || network.bits !== 128 || address.bits !== 128) return;
        expect(contains(network, address)).toBe(list.check(other, "ipv6"));
        expect(contains(network, same)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a zone does not hide an address", () => {
    const address = parseAddress("fe80::1%eth0");
    expect(address && specialUseOf(address)).toBe("link-local");
  });
});

describe("names", () => {
  test("of several addresses the private ones are left out", async () => {
    const lookup = answering(["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1"]);
    expect(await resolveFor("http://mixed.example/", lookup)).toEqual([
      { address: "1.1.1.1", family: 4 },
      { address: "2606:4700::1", family: 6 },
    ]);
    expect(await resolveFor("http://mixed.example/", lookup, [], false)).toEqual(["1.1.1.1", 4]);
  });

  test("when none is left, the message names them, but not hundreds", async () => {
    const error = await failureOf(resolveFor("http://a.example/", answering(["10.0.0.1", "::1"])));
    expect(error.message).toBe(
      "http_request may not connect to a.example: 10.0.0.1 is a private network, ::1 is loopback. HTTP_REQUEST_ALLOW can allow the address or the host.",
    );
    const many = Array.from({ length: 200 }, (_, n) => `10.0.0.${n}`);
    expect((await failureOf(resolveFor("http://a.example/", answering(many)))).message.length).toBeLessThan(
      500,
    );
  });

  test("something that is no address at all", async () => {
    const error = await failureOf(resolveFor("http://a.example/", answering(["evil"])));
    expect(error.message).toContain("evil is not an IP address");
  });

  test("no address", async () => {
    expect(await failureOf(resolveFor("http://a.example/", answering([])))).toMatchObject({
      code: "ENOTFOUND",
    });
  });

  test("a name that cannot be resolved is a failure of the network", async () => {
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

  test("what is connected to is what was checked, not what the name says next", async () => {
    const server = await serve((_, response) => response.end("ok"));
    // The second answer would be refused, and a third is nowhere: one lookup is all there may be.
    const lookup = answering(["127.0.0.1"], ["10.0.0.1"]);
    const result = await perform(`http://a.example:${server.port}/`, lookup, ["127.0.0.1"]);
    expect(result.body).toBe("ok");
    expect(server.received[0]?.headers.host).toBe(`a.example:${server.port}`);
    expect(lookup.asked).toEqual(["a.example"]);
  });

  test("a name that was good and is bad after a redirect to itself (rebinding)", async () => {
    const server = await serve((_, response) => response.writeHead(302, { location: "/again" }).end());
    const lookup = answering(["127.0.0.1"], ["127.0.0.2"]);
    const error = await failureOf(perform(`http://a.example:${server.port}/`, lookup, ["127.0.0.1"]));
    expect(error.code).toBe("http_address_refused");
    expect(error.message).toContain("127.0.0.2 is loopback");
    expect(lookup.asked).toHaveLength(2);
    expect(server.connections).toBe(1);
  });

  test("public first and private then: the guard asks anew for each connection", async () => {
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

  test("of two addresses the second is tried when the first does not answer", async () => {
    const server = await serve((_, response) => response.end("ok"));
    const lookup = answering(["127.0.0.9", "127.0.0.1"]);
    expect((await perform(`http://a.example:${server.port}/`, lookup, ["127.0.0.0/8"])).body).toBe("ok");
  });

  test("when none of several answers, the message says so of each", async () => {
    const server = await serve((_, response) => response.end("ok"));
    const lookup = answering(["127.0.0.8", "127.0.0.9"]);
    const error = await failureOf(perform(`http://a.example:${server.port}/`, lookup, ["127.0.0.0/8"]));
    expect(error.code).toBe("ECONNREFUSED");
    expect(error.message).toMatch(/failed: connect ECONNREFUSED 127\.0\.0\.8:\d+; connect ECONNREFUSED 127/);
  });

  test("a resolver that does not answer costs the time limit, or until the abort", async () => {
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
      { method: "GET", url, headers: {}, timeout_seconds, follow_redirects: 5 },
      { signal, guard: createAddressGuard(parseAllowList(allow), lookup) },
    );
  }
});

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
  ])("%s lets %s be reached", async (entry, url) => {
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
  ])("%s does not let %s be reached", async (entry, url) => {
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
  ])("%s lets the name in %s be %j", async (entry, url, addresses) => {
    expect(await reaches(entry, url, addresses)).toBe(true);
  });

  test.each([
    ["internal.example", "http://other.internal.example/", ["10.0.0.1"]],
    ["internal.example", "http://example/", ["10.0.0.1"]],
    ["internal.example:8080", "http://internal.example/", ["10.0.0.1"]],
    ["10.0.0.1:81", "http://internal.example/", ["10.0.0.1"]],
    ["10.0.0.1", "http://internal.example/", ["10.0.0.2"]],
  ])("%s does not let the name in %s be %j", async (entry, url, addresses) => {
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
      `HTTP_REQUEST_ALLOW has ${JSON.stringify(entry)}; each entry must be an IP address (10.0.0.5), a network (10.0.0.0/8), a host name (internal.example) or one of its ports (internal.example:8080).`,
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
