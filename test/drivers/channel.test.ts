/** The channels between processes, each in front of its real server, which ends their connections. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Clock, silent } from "#core";
import { openIoredis, openPg } from "#drivers";
import {
  CHANNEL_BACKOFF_MAX_MS,
  CHANNEL_BACKOFF_MS,
  CHANNEL_CONNECT_LIMIT_MS,
  CHANNEL_STEADY_MS,
} from "../../packages/core/channel-limits.ts";
import type { Channel } from "../../packages/core/doorbell/channel.ts";
import { type ChannelOptions, createChannel } from "../../packages/drivers/channel.ts";
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
import { hurriedClock } from "../support/hurried-clock.ts";
import { noteLog } from "../support/run/noted-log.ts";

const NEON = "postgresql://app@ep-x.test.neon.tech/app";
const never = () => new AbortController().signal;

/** What a suite needs of a server: addresses that lead to it by a port, and what ends the connections that listen. */
interface Served {
  open(port: number, options?: Partial<ChannelOptions>): Promise<Channel>;
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
      open: async (port, options) => {
        const databaseUrl = Object.assign(new URL(url), { port: String(port) }).href;
        return (await openChannel({
          databaseUrl,
          postgres,
          prefix: "any",
          log: silent,
          ...options,
        })) as Channel;
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
      open: async (port, options) => {
        const redisUrl = `redis://127.0.0.1:${port}`;
        return (await openChannel({
          databaseUrl: NEON,
          redisUrl,
          postgres,
          redis,
          prefix,
          log: silent,
          ...options,
        })) as Channel;
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

    const opened = async (port = served.port, clock?: Clock) => {
      const { log, lines } = noteLog();
      const channel = await served.open(port, { log, clock });
      open.push(channel);
      return { channel, lines };
    };
    const listening = async (port?: number, clock?: Clock) => {
      const { channel, lines } = await opened(port, clock);
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
      const { channel, heard, lines, missed } = await listening(proxy.port, hurriedClock(10));
      await channel.check();
      expect([...lines, missed()]).toEqual([0]);
      proxy.mode = "silent";
      await channel.check();
      await eventually(() => lines.length === 1);
      proxy.mode = "open";
      await eventually(() => missed() === 1);
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

describe("the pauses between two tries to connect", () => {
  /** How long it pauses, where each connection lasts so long and the next one so long …, and the rest cannot be had. */
  async function pausesOf(lastedMs: readonly number[], random: number, tries: number) {
    const pausesMs: number[] = [];
    let nowMs = 0;
    let tried = 0;
    const clock: Clock = {
      now: () => nowMs,
      // Limits of connections are not reached.
      sleep: (ms, signal) => {
        if (ms === CHANNEL_CONNECT_LIMIT_MS)
          return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
        pausesMs.push(ms);
        nowMs += ms;
        return Promise.resolve();
      },
      after: () => () => {},
    };
    let missed = 0;
    const over = new Promise<void>((resolve) => {
      const channel = createChannel(
        {
          subscribe(_, ended) {
            const lasts = lastedMs[tried++];
            if (tried > tries) {
              // No more of it.
              void channel.close();
              resolve();
            }
            if (lasts === undefined) return { ready: Promise.reject(new Error("refused")), close: () => {} };
            setImmediate(() => {
              nowMs += lasts;
              ended("it ended");
            });
            return { ready: Promise.resolve(), close: () => {} };
          },
          send: async () => {},
        },
        { log: silent, random: () => random, clock },
      );
      void channel.listen({ hear: () => {}, missed: () => missed++ });
    });
    await over;
    return { pausesMs: pausesMs.slice(0, tries), missed };
  }

  test("grow to the longest, and are never shorter than half of it, whatever the jitter", async () => {
    const longest = (await pausesOf([], 1, 12)).pausesMs;
    expect(longest.slice(0, 4)).toEqual([1, 2, 4, 8].map((times) => times * CHANNEL_BACKOFF_MS));
    expect(longest.at(-1)).toBe(CHANNEL_BACKOFF_MAX_MS);
    expect((await pausesOf([], 0, 12)).pausesMs).toEqual(longest.map((ms) => ms / 2));
  });

  test("begin anew after a connection that lasted, and grow while connections end at once", async () => {
    const { pausesMs, missed } = await pausesOf([0, 0, 0, CHANNEL_STEADY_MS, 0], 1, 5);
    expect(pausesMs).toEqual([1, 2, 4, 1, 2].map((times) => times * CHANNEL_BACKOFF_MS));
    expect(missed).toBe(4);
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
