export { isNeon } from "./addresses.ts";
export { openIoredis } from "./ioredis.ts";
export { openMemory } from "./memory.ts";
export { openNeon } from "./neon.ts";
export { openPostgres, openRedis } from "./open.ts";
export { openPg, type PgOptions } from "./pg.ts";
export { pgliteDriver } from "./pglite.ts";
export { openUpstash } from "./upstash.ts";
