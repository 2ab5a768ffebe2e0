/** Tells requests apart where a test has something happen to one of them. */
import { scriptRunBy } from "../redis/gate-scripts.ts";

export const isClaim = (sql: string): boolean => /buried as/.test(sql);
export const isSettle = (sql: string): boolean => /done as/.test(sql);
/** The renewal of a lease, which carries the progress. */
export const isRenewal = (sql: string): boolean => /set lease_expires_at = .* progress = coalesce/s.test(sql);
/** The creation of tasks under an idempotency key. */
export const isInsertOnce = (sql: string): boolean => /insert into tickwork_requests/.test(sql);

/** The renewal of the running flag. */
export const isFlagRenewal = (request: readonly string[]): boolean => scriptRunBy(request) === "RENEW";
/** Changes on their way into the cache. */
export const isPut = (request: readonly string[]): boolean => scriptRunBy(request) === "PUT";
