/** This machine's PostgreSQL and Redis, or where there are none the embedded ones, behind the wires of Neon and Upstash. */
import { randomBytes } from "node:crypto";
import { createDatabase as createClient, migrate, silent, systemClock } from "#core";
import { openNeon } from "#drivers";
import { prefixOf } from "../../../packages/core/gate/prefix.ts";
import { keysOf } from "../../../packages/core/gate/scripts/keys.ts";
import { createDatabase, redisServerUrl, serversAnswer } from "../../../scripts/local-servers.ts";
import { stacks } from "../bed/bed.ts";
import { openTemplate } from "../bed/template.ts";
import type { Backend } from "../wires/neon-wire.ts";
import { openPgBackend } from "../wires/pg-backend.ts";
import { pgliteBackend } from "../wires/pglite-backend.ts";
import { memoryBackend, openRedisBackend } from "../wires/redis-wire.ts";
import { type NeonServer, serveNeon } from "./neon-server.ts";
import { serveUpstash, type UpstashServer } from "./upstash-server.ts";

export interface Stores {
  neon: NeonServer;
  upstash: UpstashServer;
  /** As Neon gives it out: somewhere else, with a user and a password. */
  databaseUrl: string;
  redis: { url: string; token: string };
  /** What a function's process needs to find Neon here. */
  env: Record<string, string>;
  /** Brings the schema up to date, as the function migrate does. */
  migrate(): Promise<void>;
  /** SQL beside the functions. */
  sql(text: string, params?: unknown[]): Promise<(string | null)[][]>;
  close(): Promise<void>;
}

/** More slots than any test here has. */
const MOST_SLOTS = 8;

/** Where these are: each start of a function takes its time, so the others are not tried as well. */
export const storesAreOn = stacks.at(-1);

/** Empty ones, and nobody else's. */
export async function openStores(): Promise<Stores> {
  const database = serversAnswer ? await createDatabase() : undefined;
  const postgres = database ? openPgBackend(database.url) : await openEmbedded();
  const backend = database ? openRedisBackend(redisServerUrl) : memoryBackend();
  const name = randomBytes(6).toString("hex");
  const databaseUrl = `postgresql://tickwork:password@ep-${name}.test.neon.tech/tickwork`;
  const redisToken = randomBytes(16).toString("base64url");
  const neonServer = await serveNeon(postgres, databaseUrl);
  const upstash = await serveUpstash(backend, redisToken);
  return {
    neon: neonServer,
    upstash,
    databaseUrl,
    redis: { url: upstash.url, token: redisToken },
    env: { NEON_ENDPOINT: "https://api.test.neon.tech/sql", NEON_STAND_IN: neonServer.url },
    async migrate() {
      await migrate(createClient(openNeon(neonServer.inProcessUrl), systemClock), silent);
    },
    sql: async (text, params = []) => (await postgres.query({ query: text, params })).rows,
    async close() {
      await Promise.all([neonServer.close(), upstash.close()]);
      await backend.answer({ body: ["DEL", ...keysOf(prefixOf(databaseUrl), MOST_SLOTS)] });
      await Promise.all([postgres.close(), backend.close()]);
      await database?.drop();
    },
  };
}

async function openEmbedded(): Promise<Backend> {
  const { db, close } = await openTemplate();
  return { ...pgliteBackend(db), close };
}
