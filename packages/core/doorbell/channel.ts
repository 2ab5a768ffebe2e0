/**
 * Carries texts between the processes of a deployment: `pg-channel.ts` and `redis-channel.ts` of the drivers. What is
 * sent while a process does not listen, it never hears: it is told of the gap instead.
 */
export interface Channel {
  /**
   * Begins to listen, and connects again whenever the connection ends, until `close`. Resolves when the first try to
   * connect has ended, well or not. Called once at most, and not at all by those who only send.
   */
  listen(ears: Ears): Promise<void>;
  /** Resolves when the servers have it; rejects when they did not answer. The sender may hear it, too. */
  send(text: string): Promise<void>;
  /** Sends something to itself. If it does not hear it, it connects anew. Does nothing where nobody listens. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The listeners. */
export interface Ears {
  hear(text: string): void;
  /** It listens again: what was sent in the meantime was missed. */
  missed(): void;
}
