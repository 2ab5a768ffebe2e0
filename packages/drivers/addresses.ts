/** What an address says of its server. */

/** Neon answers HTTP at its own hosts. */
const NEON_HOST = /\.neon\.(tech|build)$/i;

/** Whether the database is at Neon, where HTTP needs no connection that must be kept. */
export function isNeon(databaseUrl: string): boolean {
  return NEON_HOST.test(new URL(databaseUrl).hostname);
}

/** Whether the Redis is asked over HTTP, as Upstash is, with a token beside the address. */
export function needsToken(redisUrl: string): boolean {
  return /^https?:/i.test(redisUrl);
}
