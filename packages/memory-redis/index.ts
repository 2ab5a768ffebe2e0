/** A Redis in this process, for tests and for running embedded without a server. `README.md` has the map. */
export { createMemoryRedis, type MemoryRedis } from "./memory-redis.ts";
export { RedisError, type RedisReply } from "./reply.ts";
