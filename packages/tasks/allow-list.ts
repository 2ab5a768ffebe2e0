import { isIP } from "node:net";
import { ConfigError } from "#core";
import { mustBe } from "../core/errors.ts";
import { type Address, contains, type Network, parseNetwork } from "./ip-address.ts";

/** One exception: a network or a host name, with the port if it is for one port only. */
export type AllowRule = ({ network: Network } | { name: string }) & { port?: number };

/** Where a connection is meant to go. */
export interface Target {
  /** As in the URL, without the brackets of IPv6. */
  host: string;
  port: number;
}

const ACCEPTED =
  "an IP address (10.0.0.5), a network (10.0.0.0/8), a host name (internal.example) or one of its ports (internal.example:8080)";

/**
 * Reads the entries of `HTTP_REQUEST_ALLOW`.
 *
 * @throws ConfigError with one line that says what an entry must be and what this one was
 * @example parseAllowList(["10.1.0.0/16", "localhost:8080", "[::1]:8080"]);
 */
export function parseAllowList(entries: readonly string[]): AllowRule[] {
  return entries.map((entry) => {
    const rule = parseEntry(entry.trim());
    if (!rule) throw new ConfigError(`HTTP_REQUEST_ALLOW: each entry ${mustBe(ACCEPTED, entry)}.`);
    return rule;
  });
}

/** Whether a rule allows reaching `target` at `address`. */
export function isAllowed(rules: readonly AllowRule[], target: Target, address: Address): boolean {
  const name = nameOf(target.host);
  return rules.some(
    (rule) =>
      (rule.port === undefined || rule.port === target.port) &&
      ("network" in rule ? contains(rule.network, address) : rule.name === name),
  );
}

function parseEntry(entry: string): AllowRule | undefined {
  const network = parseNetwork(entry);
  if (network) return { network };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const port = digits === undefined ? {} : { port: Number(digits) };
  if (port.port !== undefined && (port.port < 1 || port.port > 65_535)) return undefined;
  const host = bracketed ?? plain ?? "";
  if (isIP(host)) {
    const alone = parseNetwork(host);
    return alone && { network: alone, ...port };
  }
  const name = bracketed === undefined ? readName(host) : undefined;
  return name === undefined ? undefined : { name, ...port };
}

/** A host name as in a URL (lower case, international names in ASCII), unless a URL would read it as an address. */
function readName(text: string): string | undefined {
  if (!URL.canParse(`http://${text}`)) return undefined;
  const { hostname, href } = new URL(`http://${text}`);
  const name = nameOf(hostname);
  const isName = href === `http://${hostname}/` && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name) && !isIP(name);
  return isName ? name : undefined;
}

/** `localhost.` and `localhost` are the same host. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}
