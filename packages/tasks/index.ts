/** The tasks that ship with Tickwork. */
import { cleanup } from "./cleanup.ts";
import { cleanupTempFiles } from "./cleanup-temp-files.ts";
import { httpRequest } from "./http-request.ts";

export { type AddressGuard, createAddressGuard, type Lookup } from "./address-guard.ts";
export { type AllowRule, parseAllowList } from "./allow-list.ts";
export { type CleanupResult, cleanup } from "./cleanup.ts";
export { cleanupTempFiles } from "./cleanup-temp-files.ts";
export { type HttpRequestResult, httpRequest } from "./http-request.ts";

/**
 * What the deployment can run. Add your own here: write it in a file of its own with `defineTask`, as `cleanup.ts`
 * does, import it above and put it in the list.
 */
export const definitions = [httpRequest, cleanup, cleanupTempFiles];
