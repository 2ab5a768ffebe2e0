import { BlockList } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { contains, parseAddress, parseNetwork, specialUseOf } from "../../packages/tasks/ip-address.ts";

test("Node's BlockList agrees about every IPv4 address, in each of its forms", () => {
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
      // Mapped addresses count as IPv4 here.
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
