import { connect } from "tickwork";

const { DATABASE_URL = "", CACHE_REDIS_URL, CACHE_REDIS_TOKEN } = process.env;

/** One for all route handlers; nothing is opened before the first task. */
export const tickwork = connect({
  databaseUrl: DATABASE_URL,
  redisUrl: CACHE_REDIS_URL,
  redisToken: CACHE_REDIS_TOKEN,
});
