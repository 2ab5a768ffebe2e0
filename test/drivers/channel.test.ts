/** The channels between processes, each in front of its real server, which ends their connections. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { silent } from "#core";
import { openIoredis, openPg } from "#drivers";
import type { Channel } from "../../packages/core/doorbell/channel.ts";
import { openChannel } from "../../packages/drivers/open.ts";
import {
  createDatabase,
  POSTGRES_PORT,
  REDIS_PORT,
  randomName,
  redisServerUrl,
  serversAnswer,
} from "../../scripts/local-servers.ts";
import { openProxy, type TcpProxy } from "../support/drivers/proxy.ts";
import { eventually } from "../support/eventually.ts";
import { noteLog } from "../support/run/noted-log.ts";

const NEON = "postgresql://app@ep-x.test.neon.tech/app";
const never = () => new AbortController().signal;

/** What a suite needs of a server: addresses that lead to it by a port, and what ends the connections that listen. */
interface Served {
  open(port: number, log?: typeof silent): Promise<Channel>;
  port: number;
  endListeners(): Promise<unknown>;
  close(): Promise<void>;
}

const kinds: Record<string, () => Promise<Served>> = {
  "LISTEN and NOTIFY": async () => {
    const { url, drop } = await createDatabase();
    const postgres = await openPg(url);
    return {
      port: POSTGRES_PORT,
      open: async (port, log = silent) => {
        const databaseUrl = Object.assign(new URL(url), { port: String(port) }).href;
        return (await openChannel({ databaseUrl, postgres, prefix: "any", log })) as Channel;
      },
      endListeners: () =>
        postgres.query(
          {
            text: "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'LISTEN%'",
          },
          never(),
        ),
      async close() {
        await postgres.close();
        await drop();
      },
    };
  },
  "SUBSCRIBE and PUBLISH": async () => {
    const prefix = randomName();
    const redis = await openIoredis(redisServerUrl);
    const postgres = await openPg("postgres://127.0.0.1:1/nowhere");
    return {
      port: REDIS_PORT,
      open: async (port, log = silent) => {
        const redisUrl = `redis://127.0.0.1:${port}`;
        return (await openChannel({ databaseUrl: NEON, redisUrl, postgres, redis, prefix, log })) as Channel;
      },
      async endListeners() {
        const clients = String(await redis.call(["CLIENT", "LIST", "TYPE", "pubsub"])).split("\n");
        for (const client of clients.filter((one) => one.includes(` name=${prefix}:rings `)))
          await redis.call(["CLIENT", "KILL", "ID", /\bid=(\d+)/.exec(client)?.[1] ?? ""]);
      },
      close: () => redis.close(),
    };
  },
};

for (const [kind, serve] of Object.entries(kinds))
  describe.skipIf(!serversAnswer)(`a channel by ${kind}`, () => {
    let served: Served;
    let proxy: TcpProxy;
    const open: Channel[] = [];
    beforeAll(async () => {
      served = await serve();
      proxy = await openProxy(served.port);
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map((channel) => channel.close()));
      proxy.mode = "open";
    });
    afterAll(async () => {
      await proxy.close();
      await served.close();
    });

    const opened = async (port = served.port) => {
      const { log, lines } = noteLog();
      const channel = await served.open(port, log);
      open.push(channel);
      return { channel, lines };
    };
    const listening = async (port?: number) => {
      const { channel, lines } = await opened(port);
      const heard: string[] = [];
      let missed = 0;
      await channel.listen({ hear: (text) => heard.push(text), missed: () => missed++ });
      return { channel, heard, lines, missed: () => missed };
    };

    test("carries a text, whatever is in it, to all who listen, and to nobody who does not", async () => {
      const [one, other, { channel: sender }] = [await listening(), await listening(), await opened()];
      const texts = [
        "plain",
        `"quotes" 'and' $1 é\n`,
        JSON.stringify({ due: Array(100).fill({ atMs: 1.7e12, inMs: 5 }) }),
      ];
      for (const text of texts) await sender.send(text);
      await eventually(() => one.heard.length === 3 && other.heard.length === 3);
      expect([one.heard, other.heard]).toEqual([texts, texts]);
      expect([...one.lines, one.missed()]).toEqual([0]);
    });

    test("is made again when the server ends it, and says that something was missed", async () => {
      const { channel, heard, lines, missed } = await listening();
      await served.endListeners();
      await eventually(() => missed() === 1);
      await channel.send("again");
      await eventually(() => heard.includes("again"));
      expect(lines.map(({ level }) => level)).toEqual(["warn", "info"]);
      await served.endListeners();
      await eventually(() => missed() === 2);
    });

    test("is made as soon as there is a server, and again after a while without one", async () => {
      proxy.mode = "gone";
      const { channel, heard, lines, missed } = await listening(proxy.port);
      for (let times = 1; times <= 2; times++) {
        await eventually(() => lines.length === 2 * times - 1);
        expect(missed()).toBe(times - 1);
        proxy.mode = "open";
        await eventually(() => missed() === times);
        await channel.send(`text ${times}`);
        await eventually(() => heard.includes(`text ${times}`));
        proxy.mode = "gone";
      }
    });

    test("notices by its check that a connection is dead though nobody ended it", async () => {
      const { channel, heard, missed } = await listening(proxy.port);
      await channel.check();
      expect(missed()).toBe(0);
      proxy.mode = "silent";
      await channel.check();
      proxy.mode = "gone";
      proxy.mode = "open";
      await eventually(() => missed() === 1, { limitMs: 20_000 });
      await channel.send("again");
      await eventually(() => heard.includes("again"));
      expect(heard).toEqual(["again"]);
    });

    test("ends while it tries to connect", async () => {
      proxy.mode = "silent";
      const { channel } = await opened(proxy.port);
      const first = channel.listen({ hear: () => {}, missed: () => {} });
      await channel.close();
      await first;
    });
  });

describe("where no messages can be sent", () => {
  const nobody = { prefix: "any", log: silent, postgres: { close: async () => {} } as never };
  const upstash = { redisUrl: "https://x.upstash.io", redis: { close: async () => {} } as never };

  test.each([
    ["Neon with Upstash", upstash],
    ["Neon without Redis", {}],
  ])("there is no channel: %s", async (_, ways) => {
    expect(await openChannel({ databaseUrl: NEON, ...nobody, ...ways })).toBeUndefined();
  });
});
