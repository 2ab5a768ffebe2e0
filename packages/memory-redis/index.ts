/**
 * A Redis in this process: for tests, and for running embedded without a server. It speaks the commands
 * this product uses, Lua included, with the replies and the errors of Redis 7.0.
 *
 * `memory-redis.ts` is the way in, `keyspace.ts` holds the data, `commands/` has a file per type, and
 * `lua/` is the Lua machine. `test/redis` holds it against a real server.
 */
export { createMemoryRedis, type MemoryRedis, type MemoryRedisOptions } from "./memory-redis.ts";
export { RedisError, type RedisReply } from "./reply.ts";
