/** `tickwork/compat/utils/cache`: as extensions import Baasix's own. */
export { getCache } from "../cache.ts";
