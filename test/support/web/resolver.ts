import type { LookupAddress } from "node:dns";
import { isIPv4 } from "node:net";
import { createAddressGuard, type Lookup } from "../../../packages/tasks/address-guard.ts";
import { parseAllowList } from "../../../packages/tasks/allow-list.ts";

/** A resolver that answers each call with the next of these lists, and then always with the last one. */
export function answering(...answers: string[][]): Lookup & { asked: string[] } {
  const asked: string[] = [];
  const lookup = async (host: string): Promise<LookupAddress[]> => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(host);
    return answer.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
  };
  return Object.assign(lookup, { asked });
}

/** The addresses that the guard lets a connection to `url` have. */
export function resolveFor(url: string, lookup: Lookup, allow: string[] = [], all = true): Promise<unknown> {
  const guarded = createAddressGuard(parseAllowList(allow), lookup)(new URL(url));
  return new Promise((resolve, reject) => {
    guarded(new URL(url).hostname, { all }, (error, address, family) => {
      if (error) reject(error);
      else resolve(all ? address : [address, family]);
    });
  });
}
