/** Every driver of Postgres in front of every Postgres that it can be in front of, for one suite over all of them. */
import { randomBytes } from "node:crypto";
import { neonConfig } from "@neondatabase/serverless";
import type { PostgresDriver } from "#core";
import { openNeon, openPg, pgliteDriver } from "#drivers";
import { createDatabase, POSTGRES_PORT, serversAnswer } from "../../../scripts/local-servers.ts";
import { openTemplate } from "../bed/template.ts";
import { serveNeon } from "../lambda/neon-server.ts";
import type { Backend } from "../wires/neon-wire.ts";
import { openPgBackend } from "../wires/pg-backend.ts";
import { pgliteBackend } from "../wires/pglite-backend.ts";
import { openProxy, type TcpProxy } from "./proxy.ts";

export interface OpenedDatabase {
  driver: PostgresDriver;
  /** Where others find it; there is no address inside of one process. */
  url?: string;
  /** What another process needs to find it there. */
  env?: Record<string, string>;
  /** Between the driver and its server; there is none inside of one process. */
  proxy?: TcpProxy;
  close(): Promise<void>;
}

/** Part of every address, so that a test can look for it in errors. */
export const PASSWORD = "a-very-secret-word";

export const databases: Record<string, () => Promise<OpenedDatabase>> = {
  "neon, over PGlite": async () => {
    const { db, close } = await openTemplate();
    return openOverNeon(pgliteBackend(db), close);
  },
  pglite: async () => {
    const { db, close } = await openTemplate();
    return { driver: pgliteDriver(db), close };
  },
  ...(serversAnswer && {
    "neon, over PostgreSQL": async () => {
      const { url, drop } = await createDatabase();
      const backend = openPgBackend(url);
      return openOverNeon(backend, async () => {
        await backend.close();
        await drop();
      });
    },
    pg: async () => {
      const { url, drop } = await createDatabase();
      const proxy = await openProxy(POSTGRES_PORT);
      const throughProxy = new URL(url);
      throughProxy.port = String(proxy.port);
      throughProxy.password = PASSWORD;
      const driver = await openPg(throughProxy.href);
      return {
        driver,
        url: throughProxy.href,
        proxy,
        async close() {
          await driver.close();
          await proxy.close();
          await drop();
        },
      };
    },
  }),
};

const endpoints = new Map<string, string>();

async function openOverNeon(backend: Backend, close: () => Promise<void>): Promise<OpenedDatabase> {
  const host = `ep-${randomBytes(6).toString("hex")}.test.neon.tech`;
  const databaseUrl = `postgresql://tickwork:${PASSWORD}@${host}/tickwork`;
  const server = await serveNeon(backend, databaseUrl);
  const proxy = await openProxy(Number(new URL(server.url).port));
  const endpoint = `http://127.0.0.1:${proxy.port}/sql`;
  endpoints.set(host, endpoint);
  neonConfig.fetchEndpoint = (asked) => endpoints.get(asked) ?? `https://${asked}/sql`;
  const driver = openNeon(databaseUrl);
  return {
    driver,
    url: databaseUrl,
    // For `test/support/lambda/reach-neon.ts`.
    env: { NEON_ENDPOINT: "https://api.test.neon.tech/sql", NEON_STAND_IN: endpoint },
    proxy,
    async close() {
      await driver.close();
      await proxy.close();
      await server.close();
      await close();
    },
  };
}
