import { randomUUID } from "node:crypto";
import { type Clock, type Logger, systemClock } from "#core";
import {
  CHANNEL_BACKOFF_MAX_MS,
  CHANNEL_BACKOFF_MS,
  CHANNEL_CHECK_LIMIT_MS,
  CHANNEL_CONNECT_LIMIT_MS,
  CHANNEL_STEADY_MS,
} from "../core/channel-limits.ts";
import type { Channel, Ears } from "../core/doorbell/channel.ts";
import { messageOf } from "../core/errors.ts";
import { backoffMs } from "../core/retry.ts";
import { withinLimit } from "../core/within-limit.ts";

/** One connection that hears messages, until it ends. */
export interface Subscription {
  /** Rejects when it cannot be had. */
  ready: Promise<unknown>;
  /** Ends it at once, whatever the other side says. */
  close(): void;
}

/** What a server has for messages. */
export interface Messaging {
  /** @param ended is called when the connection ends, by whomever; more than once does no harm */
  subscribe(hear: (text: string) => void, ended: (reason: string) => void): Subscription;
  send(text: string): Promise<unknown>;
}

export interface ChannelOptions {
  log: Logger;
  /** The jitter of the pauses between two tries to connect, from 0 to 1. Default `Math.random`. */
  random?: (() => number) | undefined;
  /** Default: the system's. */
  clock?: Clock | undefined;
}

/** Begins what a channel sends to itself, to learn whether it hears. */
const CHECK = "check ";

/** A channel that stays, over connections that do not. */
export function createChannel(
  { subscribe, send }: Messaging,
  { log, random, clock = systemClock }: ChannelOptions,
): Channel {
  const closing = new AbortController();
  const checks = new Map<string, () => void>();
  /** Ends the connection that hears; undefined while there is none. */
  let giveUp: ((reason: string) => void) | undefined;
  let listening: Promise<void> | undefined;

  const inTime = (work: Promise<unknown>, limitMs: number) =>
    withinLimit(
      limitMs,
      () => work,
      () => new Error(`no answer within ${limitMs / 1000} s`),
      clock,
    );

  /** One connection from its start to its end; says why it ended. */
  const hearOnce = async (ears: Ears, begun: () => void): Promise<string> => {
    let end: (reason: string) => void = () => {};
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    const stop = () => end("it was closed");
    closing.signal.addEventListener("abort", stop, { once: true });
    let subscription: Subscription | undefined;
    try {
      subscription = subscribe((text) => {
        if (text.startsWith(CHECK)) checks.get(text)?.();
        else ears.hear(text);
      }, end);
      const failed = ended.then((reason) => {
        throw new Error(reason);
      });
      await inTime(Promise.race([subscription.ready, failed]), CHANNEL_CONNECT_LIMIT_MS);
      giveUp = end;
      begun();
      return await ended;
    } catch (error) {
      return messageOf(error);
    } finally {
      giveUp = undefined;
      closing.signal.removeEventListener("abort", stop);
      subscription?.close();
    }
  };

  const keepListening = async (ears: Ears, triedOnce: () => void): Promise<void> => {
    let missing = false;
    let failures = 0;
    while (!closing.signal.aborted) {
      let sinceMs: number | undefined;
      const reason = await hearOnce(ears, () => {
        sinceMs = clock.now();
        if (missing) {
          log.info("other processes are heard again; what was missed is looked for");
          ears.missed();
        }
        missing = false;
        triedOnce();
      });
      triedOnce();
      if (closing.signal.aborted) return;
      if (!missing)
        log.warn("other processes are not heard until the connection for that is made again", { reason });
      missing = true;
      failures = sinceMs !== undefined && clock.now() - sinceMs >= CHANNEL_STEADY_MS ? 1 : failures + 1;
      const pauseMs = backoffMs(failures, CHANNEL_BACKOFF_MS, CHANNEL_BACKOFF_MAX_MS, random);
      await clock.sleep(pauseMs, closing.signal);
    }
  };

  return {
    listen: (ears) =>
      new Promise((resolve) => {
        listening = keepListening(ears, resolve);
      }),
    send: async (text) => void (await send(text)),
    async check() {
      const end = giveUp;
      if (!end) return;
      const text = `${CHECK}${randomUUID()}`;
      const heard = new Promise<void>((resolve) => checks.set(text, resolve));
      try {
        await send(text);
        await inTime(heard, CHANNEL_CHECK_LIMIT_MS);
      } catch (error) {
        end(
          `it does not hear itself (${messageOf(error)}); a pooler in transaction mode keeps messages away`,
        );
      } finally {
        checks.delete(text);
      }
    },
    async close() {
      closing.abort();
      await listening;
    },
  };
}
