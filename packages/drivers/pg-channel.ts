/** Messages through Postgres: `LISTEN` on a connection of its own, `NOTIFY` through the driver. */
import { createDatabase, type PostgresDriver, systemClock } from "#core";
import { CHANNEL_SEND_LIMIT_MS } from "../core/channel-limits.ts";
import type { Channel } from "../core/doorbell/channel.ts";
import { PG_CHANNEL } from "../core/ring-of-transactions.ts";
import { type ChannelOptions, createChannel, type Subscription } from "./channel.ts";
import { connectionOf, loadPg, streamOf } from "./pg.ts";

export interface PgChannelOptions extends ChannelOptions {
  databaseUrl: string;
  user?: string | undefined;
  postgres: PostgresDriver;
}

/**
 * @throws ConfigError when the package `pg` is not installed
 * @example const channel = await openPgChannel({ databaseUrl, postgres, log });
 */
export async function openPgChannel({
  databaseUrl,
  user,
  postgres,
  ...options
}: PgChannelOptions): Promise<Channel> {
  const { Client } = await loadPg();
  const database = createDatabase(postgres, systemClock);
  return createChannel(
    {
      subscribe(hear, ended): Subscription {
        const client = new Client(connectionOf(databaseUrl, user));
        client.on("error", ({ message }) => ended(message));
        client.on("end", () => ended("the connection ended"));
        client.on("notification", ({ payload = "" }) => hear(payload));
        return {
          ready: client.connect().then(() => client.query(`LISTEN ${PG_CHANNEL}`)),
          close: () => streamOf(client).destroy(),
        };
      },
      send: (text) =>
        database.query(
          { text: "select pg_notify($1, $2)", params: [PG_CHANNEL, text] },
          { repeatable: true, timeoutMs: CHANNEL_SEND_LIMIT_MS },
        ),
    },
    options,
  );
}
