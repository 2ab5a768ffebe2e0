/** Who posts tasks: by HTTP to any worker that serves, again with the same key until the answer says that they are made. */
import { setTimeout as sleep } from "node:timers/promises";
import { API_KEY, type Fleet } from "./fleet.ts";
import type { Random } from "./random.ts";
import type { WorkData } from "./tasks.ts";

const ANSWER_LIMIT_MS = 4_000;
const AGAIN_MS = 100;
const LATEST_DUE_MS = 5_000;

/** A task that was acknowledged, and how it has to end. */
export interface Acknowledged {
  id: number;
  at: number;
  ends: "Completed" | "Error";
  data: WorkData;
}

interface Planned {
  type: "work" | "short";
  data: WorkData;
  maxAttempts: number;
  delayMs: number;
}

export interface Client {
  acknowledged: Map<number, Acknowledged>;
  /** Requests that had no good answer and were repeated. */
  repeated(): number;
  /** Posts nothing new; resolves when everything that was begun is acknowledged. False: not within the time. */
  finish(limitMs: number): Promise<boolean>;
}

export interface ClientOptions {
  fleet: Fleet;
  random: Random;
  tasksPerSecond: number;
}

export function startClient({ fleet, random, tasksPerSecond }: ClientOptions): Client {
  const acknowledged = new Map<number, Acknowledged>();
  const ending = new AbortController();
  const givingUp = new AbortController();
  const posts = new Set<Promise<void>>();
  let repeated = 0;
  let keys = 0;

  const post = async (plan: readonly Planned[]) => {
    const key = `chaos-${++keys}`;
    const now = Date.now();
    const body = JSON.stringify(
      plan.map(({ type, data, maxAttempts, delayMs }) => ({
        type,
        task_data: data,
        max_attempts: maxAttempts,
        ...(delayMs > 0 ? { scheduled_time: new Date(now + delayMs).toISOString() } : {}),
      })),
    );
    while (!givingUp.signal.aborted) {
      const ids = await send(random.pick(fleet.serving())?.url, key, body);
      if (ids) {
        for (const [n, { data, maxAttempts }] of plan.entries()) {
          const id = ids[n] ?? 0;
          const ends = data.failures < maxAttempts ? "Completed" : "Error";
          acknowledged.set(id, { id, at: Date.now(), ends, data });
        }
        return;
      }
      repeated++;
      await sleep(AGAIN_MS);
    }
  };
  const posting = (async () => {
    while (!ending.signal.aborted) {
      const plan = Array.from({ length: random.whole(1, 5) }, () => planTask(random));
      const posted = post(plan).finally(() => posts.delete(posted));
      posts.add(posted);
      const pauseMs = (plan.length / tasksPerSecond) * 1000 * (0.5 + random.fraction());
      await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  })();

  return {
    acknowledged,
    repeated: () => repeated,
    async finish(limitMs) {
      ending.abort();
      await posting;
      const all = Promise.all(posts).then(() => true);
      const inTime = await Promise.race([all, sleep(limitMs, false, { ref: false })]);
      givingUp.abort();
      await all;
      return inTime;
    },
  };
}

/** A third of them run in batches. Most tasks are short and good; some last longer than a lease, some fail first, some never succeed. */
function planTask(random: Random): Planned {
  const kind = random.fraction();
  const ms =
    kind < 0.85 ? random.whole(1, 80) : kind < 0.95 ? random.whole(200, 1_200) : random.whole(2_000, 4_000);
  const failures = random.chance(0.15) ? random.whole(1, 2) : 0;
  const hopeless = failures > 0 && random.chance(0.3);
  return {
    type: random.chance(0.3) ? "short" : "work",
    data: { ms, failures, deaf: random.chance(0.2) },
    maxAttempts: hopeless ? failures : failures + 1,
    delayMs: random.chance(0.3) ? random.whole(100, LATEST_DUE_MS) : 0,
  };
}

/** The ids, or nothing when nobody said that they are made. */
async function send(url: string | undefined, key: string, body: string): Promise<number[] | undefined> {
  if (!url) return undefined;
  try {
    const response = await fetch(`${url}/tasks`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${API_KEY}`,
        "content-type": "application/json",
        "idempotency-key": key,
      },
      body,
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    if (response.status !== 201) {
      await response.body?.cancel();
      return undefined;
    }
    return ((await response.json()) as { id: number }[]).map(({ id }) => id);
  } catch {
    return undefined;
  }
}
