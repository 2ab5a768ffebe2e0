import { type Doorbell, systemClock } from "#core";
import { createTeller } from "../core/doorbell/teller.ts";
import { type ChannelWays, openChannel } from "../drivers/open.ts";

/**
 * The doorbell of a connection that was given none: it tells the servers that listen on the same Postgres, or on the same
 * Redis where that is Neon. It opens nothing, and sends through the connections that there are; so it never keeps a
 * process alive. Each message is one request, and the call that enqueues waits for it.
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
    ringAfter: (delayMs) => teller.ringAt({ atMs: systemClock.now() + delayMs, inMs: delayMs }),
  };
}
