/** The limits of what processes tell each other; the others are in `limits.ts`. */

/** Due times in one message to other processes; Postgres takes messages of less than 8,000 bytes. */
export const RING_TIMES = 100;
/** How long it may take until a process hears others. */
export const CHANNEL_CONNECT_LIMIT_MS = 10_000;
/** When that failed or the connection ended: the first pause before the next try, which doubles each time, and the longest. */
export const CHANNEL_BACKOFF_MS = 100;
export const CHANNEL_BACKOFF_MAX_MS = 30_000;
/** How long a connection must have lasted for the pauses to begin anew. */
export const CHANNEL_STEADY_MS = 30_000;
/** One try to send a message. */
export const CHANNEL_SEND_LIMIT_MS = 2_000;
/** How long a message to oneself may be under way before the connection is taken for dead. */
export const CHANNEL_CHECK_LIMIT_MS = 5_000;
/** Rings of others that have a server ask Postgres come no closer together than this. */
export const HEARD_ASK_STEP_MS = 100;
/** How long a connection is silent before TCP checks that its other end is still there; ten seconds later it is given up. */
export const KEEP_ALIVE_AFTER_MS = 10_000;
