import { createHash } from "node:crypto";

/**
 * Begins every key in Redis. A Redis may be shared by other applications and by other stages of this one, so each
 * database has keys of its own.
 *
 * @example prefixOf("postgres://127.0.0.1:5432/shop"); // "tickwork:" and eight digits
 */
export function prefixOf(databaseUrl: string): string {
  const { hostname, port, pathname } = new URL(databaseUrl);
  // Neon's pooled and direct addresses are the same database.
  const name = `${hostname.replace("-pooler.", ".")}:${port}${pathname}`;
  return `tickwork:${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}
