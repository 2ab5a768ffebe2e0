import { type Doorbell, systemClock } from "#core";
import { isLook } from "../core/doorbell/doorbell.ts";
import { createTeller } from "../core/doorbell/teller.ts";
import { type ChannelWays, openChannel } from "../drivers/open.ts";

/** Rings that only look come at multiples of this: those of many transactions are one message. */
const LOOK_STEP_MS = 1_000;

/**
 * The doorbell of a connection that was given none: it tells the servers that listen on the same Postgres, or on the
 * same Redis where that is Neon. It opens nothing, and sends through the connections that there are; so it never keeps
 * a process alive. Each message is one request, and the call that enqueues waits for it.
 *
 * @throws ConfigError when a package is missing that this needs
 */
export async function defaultDoorbell(ways: ChannelWays): Promise<Doorbell> {
  const channel = await openChannel(ways);
  if (!channel) {
    ways.log.warn(
      "nobody is told what is enqueued, since neither Neon nor Upstash sends messages: the next refresh of a server " +
        "finds it; give connect() a doorbell, as the one of tickwork/aws",
    );
    const nobodyHears = async () => {};
    return { earlyMs: 0, ring: nobodyHears, ringAt: nobodyHears, ringAfter: nobodyHears };
  }
  const teller = createTeller(channel, systemClock);
  return {
    earlyMs: 0,
    ring: teller.ring,
    ringAt: teller.ringAt,
    async ringAfter(delayMs, event = {}) {
      const nowMs = systemClock.now();
      const stepMs = isLook(event) ? LOOK_STEP_MS : 1;
      const atMs = Math.ceil((nowMs + delayMs) / stepMs) * stepMs;
      const askPostgres = event.askPostgres ? ({ askPostgres: true } as const) : {};
      await teller.ringAt({ atMs, inMs: atMs - nowMs, ...askPostgres });
    },
  };
}
