/** IP addresses as numbers, and which of them do not belong to the public internet. */
import { isIP, isIPv4 } from "node:net";

/** An address as a number: 32 bits for IPv4, 128 for IPv6. */
export interface Address {
  bits: 32 | 128;
  value: bigint;
}

/** All addresses whose first `length` bits are those of `value`. */
export interface Network extends Address {
  length: number;
}

/**
 * Reads an address. An IPv4-mapped one (`::ffff:10.0.0.1`) becomes the IPv4 address that is really connected to, and a
 * zone (`fe80::1%eth0`) is dropped.
 *
 * @returns undefined if the text is not an address
 */
export function parseAddress(text: string): Address | undefined {
  const network = parseNetwork(text.replace(/%.*$/, ""));
  return network && { bits: network.bits, value: network.value };
}

/**
 * Reads a network in CIDR notation; a single address is a network of one.
 *
 * @example parseNetwork("10.0.0.0/8")
 */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", mask, ...rest] = text.split("/");
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 0 || rest.length > 0 || (mask !== undefined && !/^\d{1,3}$/.test(mask))) return undefined;
  const bits = family === 4 ? 32 : 128;
  const length = mask === undefined ? bits : Number(mask);
  if (length > bits) return undefined;
  const value = family === 4 ? readIPv4(address) : readIPv6(address);
  if (family === 6 && length >= 96 && value >> 32n === 0xffffn)
    return { bits: 32, value: value & LOW_32, length: length - 96 };
  return { bits, value, length };
}

export function contains(network: Network, { bits, value }: Address): boolean {
  const rest = BigInt(network.bits - network.length);
  return network.bits === bits && network.value >> rest === value >> rest;
}

const LOW_32 = 0xffff_ffffn;

function readIPv4(text: string): bigint {
  return text.split(".").reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function readIPv6(text: string): bigint {
  const groups = (part: string | undefined) =>
    (part ? part.split(":") : []).flatMap((group) => {
      if (!isIPv4(group)) return [BigInt(`0x${group}`)];
      const value = readIPv4(group);
      return [value >> 16n, value & 0xffffn];
    });
  const [before, after] = text.split("::");
  const head = groups(before);
  const tail = groups(after);
  const zeros = Array<bigint>(8 - head.length - tail.length).fill(0n);
  return [...head, ...zeros, ...tail].reduce((value, group) => (value << 16n) | group, 0n);
}

const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  if (!parsed) throw new TypeError(`${text} is not a network`);
  return parsed;
};

/** IANA's registries of special-purpose addresses, and one address that only looks public. */
const SPECIAL = Object.entries({
  "0.0.0.0/8": "this host",
  "10.0.0.0/8": "a private network",
  "100.64.0.0/10": "a private network of a carrier",
  "127.0.0.0/8": "loopback",
  // Link-local, and with it the metadata services of AWS, Google and Azure (169.254.169.254) and of ECS (169.254.170.2).
  "169.254.0.0/16": "link-local",
  "172.16.0.0/12": "a private network",
  "192.0.0.0/24": "reserved",
  "192.0.2.0/24": "reserved for documentation",
  "192.88.99.0/24": "reserved",
  "192.168.0.0/16": "a private network",
  "198.18.0.0/15": "reserved for benchmarks",
  "198.51.100.0/24": "reserved for documentation",
  "203.0.113.0/24": "reserved for documentation",
  "224.0.0.0/4": "multicast",
  "255.255.255.255/32": "broadcast",
  "240.0.0.0/4": "reserved",
  // Here Azure serves its machines, including their credentials.
  "168.63.129.16/32": "the host of an Azure machine",
  "::/128": "this host",
  "::1/128": "loopback",
  "::/96": "an IPv4-compatible address",
  "fc00::/7": "a private network",
  "fe80::/10": "link-local",
  "ff00::/8": "multicast",
  // Protocol assignments; among them Teredo (2001::/32), whose addresses carry IPv4 ones.
  "2001::/23": "reserved",
  "2001:db8::/32": "reserved for documentation",
  "3fff::/20": "reserved for documentation",
}).map(([text, reason]) => ({ network: network(text), reason }));

/** The part of IPv6 that the public internet uses so far. The rest is refused, whatever it will be used for. */
const GLOBAL_UNICAST = network("2000::/3");

/** Networks whose addresses contain the IPv4 address that packets end up at; `shift` is its distance from the right. */
const EMBEDDING = [
  { network: network("64:ff9b::/96"), shift: 0n, name: "NAT64" },
  { network: network("2002::/16"), shift: 80n, name: "6to4" },
];

/** What an address is if it is not public: `loopback`, `a private network`, … */
export function specialUseOf(address: Address): string | undefined {
  const embedding = EMBEDDING.find((candidate) => contains(candidate.network, address));
  if (embedding) {
    const use = specialUseOf({ bits: 32, value: (address.value >> embedding.shift) & LOW_32 });
    return use && `${use} (through ${embedding.name})`;
  }
  const special = SPECIAL.find((candidate) => contains(candidate.network, address));
  if (special) return special.reason;
  return address.bits === 128 && !contains(GLOBAL_UNICAST, address) ? "reserved" : undefined;
}
