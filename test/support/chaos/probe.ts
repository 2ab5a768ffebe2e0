/** Looks whether Postgres answers, from a connection of its own: what chaos meant to do and what it did are two things. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const INTERVAL_MS = 100;
const ANSWER_LIMIT_MS = 2_000;
/** An answer that takes longer is an outage, for as long as it took. */
const SLOW_MS = 500;

export interface Outage {
  from: number;
  to: number;
}

export interface Probe {
  outages: Outage[];
  stop(): Promise<void>;
}

export function startProbe(url: string): Probe {
  const outages: Outage[] = [];
  const stopping = new AbortController();
  let client: pg.Client | undefined;

  const answers = async () => {
    try {
      if (!client) {
        client = new pg.Client({
          connectionString: url,
          application_name: "probe",
          connectionTimeoutMillis: ANSWER_LIMIT_MS,
          query_timeout: ANSWER_LIMIT_MS,
        });
        client.on("error", () => {});
        await client.connect();
      }
      // What writes waits for the disk too, as every claim does.
      await client.query("select pg_logical_emit_message(true, 'probe', '')");
      return true;
    } catch {
      // Its end may hang as it did itself.
      void client?.end().catch(() => {});
      client = undefined;
      return false;
    }
  };
  const looking = (async () => {
    let goodAt = Date.now();
    while (!stopping.signal.aborted) {
      const good = await answers();
      const now = Date.now();
      if (good) {
        if (now - goodAt > SLOW_MS) outages.push({ from: goodAt, to: now });
        goodAt = now;
      }
      await sleep(INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
    await client?.end().catch(() => {});
  })();
  return {
    outages,
    stop: () => {
      stopping.abort();
      return looking;
    },
  };
}
