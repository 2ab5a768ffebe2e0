/**
 * Keeps `http_request` away from what only this machine or its network can reach: otherwise anyone who may post a task
 * could read the cloud's metadata service, or an internal API (SSRF).
 *
 * A name is checked where it is resolved for the connection: the addresses that pass are the ones that are connected
 * to. Resolving it once to check and again to connect would let it answer differently the second time.
 */
import { promises as dns, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { PermanentError } from "#core";
import { messageOf } from "../core/errors.ts";
import { type AllowRule, isAllowed, type Target } from "./allow-list.ts";
import type { OwnErrorCode } from "./error-codes.ts";
import { parseAddress, specialUseOf } from "./ip-address.ts";

/** All addresses of a host. */
export type Lookup = (host: string) => Promise<LookupAddress[]>;

/**
 * Called for every URL before it is connected to, and again for each redirect.
 *
 * @returns the lookup that the connection must use
 * @throws PermanentError `http_address_refused` if the URL names an address that may not be reached
 */
export type AddressGuard = (url: URL) => LookupFunction;

const systemLookup: Lookup = (host) => dns.lookup(host, { all: true });

/** @example http.request(url, { agent: false, lookup: createAddressGuard(parseAllowList([]))(url) }) */
export function createAddressGuard(
  allowed: readonly AllowRule[],
  lookup: Lookup = systemLookup,
): AddressGuard {
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const target: Target = { host, port: Number(url.port) || (url.protocol === "https:" ? 443 : 80) };
    /** Why an address may not be connected to; undefined if it may. */
    const objection = (text: string): string | undefined => {
      const address = parseAddress(text);
      if (!address) return "not an IP address";
      return isAllowed(allowed, target, address) ? undefined : specialUseOf(address);
    };

    // Node connects to an address without asking the lookup.
    if (isIP(host)) {
      const reason = objection(host);
      if (reason) throw refusal(host, [`${host} is ${reason}`]);
    }
    const resolve = async (): Promise<[LookupAddress, ...LookupAddress[]]> => {
      const found = await lookup(host);
      const [first, ...others] = found.filter(({ address }) => objection(address) === undefined);
      if (first) return [first, ...others];
      if (found.length === 0) throw Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" });
      throw refusal(
        host,
        found.map(({ address }) => `${address} is ${objection(address)}`),
      );
    };
    return (_host, options, done) => {
      resolve().then(
        (usable) => {
          if (options.all) done(null, usable);
          else done(null, usable[0].address, usable[0].family);
        },
        (error: unknown) => done(error instanceof Error ? error : new Error(messageOf(error)), []),
      );
    };
  };
}

/** Addresses that one message names. */
const NAMED_ADDRESSES = 5;

function refusal(host: string, reasons: readonly string[]): PermanentError {
  const what = reasons.slice(0, NAMED_ADDRESSES).join(", ");
  return Object.assign(
    new PermanentError(
      `http_request may not connect to ${host}: ${what}. HTTP_REQUEST_ALLOW can allow the address or the host.`,
      { code: "http_address_refused" satisfies OwnErrorCode },
    ),
    { name: "AddressRefusedError" },
  );
}
