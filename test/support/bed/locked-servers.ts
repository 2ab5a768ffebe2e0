/** A PostgreSQL and a Redis of one's own that do not let everybody do everything. */
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { createDatabase, migrate, systemClock } from "#core";
import { silent } from "../../../packages/core/log.ts";
import { openPg } from "../../../packages/drivers/pg.ts";
import type { Binaries } from "../chaos/binaries.ts";
import { openOwnPostgres } from "../chaos/own-postgres.ts";
import { openOwnRedis } from "../chaos/own-redis.ts";
import { eventually } from "../eventually.ts";
import { selfSigned } from "../web/self-signed.ts";

export interface LockedServers {
  /** `host:port`. */
  postgres: string;
  redis: string;
  close(): Promise<void>;
}

/**
 * In Postgres, the role `guest` has no rights, `member` needs the password, and `stranger` is let in with TLS only, for
 * which the server has a certificate that nobody trusts; in the migrated database `shop`, `clerk` may only read, and
 * nothing that `archivist` does may write. In Redis, the default user needs the password, and `reader`
 * may only read.
 */
export async function openLockedServers(binaries: Binaries, password: string): Promise<LockedServers> {
  const [postgres, redis] = await Promise.all([openOwnPostgres(binaries), openOwnRedis(binaries)]);
  const [row] = await postgres.sql<{ data_directory: string }>("show data_directory");
  const folder = row?.data_directory ?? "";
  const { uid, gid } = statSync(folder);
  const write = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    chownSync(path, uid, gid);
    chmodSync(path, 0o600);
  };
  const { key, cert } = selfSigned("nobody");
  write("server.key", key);
  write("server.crt", cert);
  const hba = readFileSync(join(folder, "pg_hba.conf"), "utf8");
  write(
    "pg_hba.conf",
    `host all member all scram-sha-256\nhostssl all stranger all trust\nhost all stranger all reject\n${hba}`,
  );
  for (const sql of [
    "create role guest login",
    `create role member login password '${password}'`,
    "create role stranger login",
    "alter system set ssl = on",
    "select pg_reload_conf()",
  ])
    await postgres.sql(sql);
  // The postmaster reads its files anew when it comes to it.
  await eventually(async () => (await postgres.sql<{ ssl: string }>("show ssl"))[0]?.ssl === "on");

  await postgres.sql("create database shop");
  const shop = await openPg(postgres.url.replace(/\/\w+$/, "/shop"));
  const database = createDatabase(shop, systemClock);
  await migrate(database, silent);
  for (const text of [
    "create role clerk login",
    "grant select on all tables in schema public to clerk",
    "create role archivist login",
    "grant all on all tables in schema public to archivist",
    "alter role archivist set default_transaction_read_only = on",
  ])
    await database.query({ text });
  await shop.close();

  const client = new Redis(redis.url);
  await client.call(
    "ACL",
    "SETUSER",
    "reader",
    "on",
    `>${password}`,
    "~*",
    "+@read",
    "+@connection",
    "+info",
  );
  await client.call("CONFIG", "SET", "requirepass", password);
  client.disconnect();
  return {
    postgres: new URL(postgres.url).host,
    redis: new URL(redis.url).host,
    close: async () => void (await Promise.all([postgres.close(), redis.close()])),
  };
}
