/** What goes wrong and when: a plan that the seed decides, and what carries it out. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet, Life } from "./fleet.ts";
import { isBusy } from "./handler-journal.ts";
import type { OwnPostgres } from "./own-postgres.ts";
import type { OwnRedis } from "./own-redis.ts";
import type { Random } from "./random.ts";

/** How often a minute, on average. */
const PER_MINUTE = {
  "worker killed": 27,
  "worker stopped beyond its lease": 8,
  "worker stopped for a moment": 3,
  "Redis flushed": 4,
  "Redis restarted, empty": 1.5,
  "Redis hangs": 2,
  "Postgres backends terminated": 4,
  "Postgres restarted": 0.7,
  "Postgres restarted after a crash": 0.7,
  "Postgres down for longer than a lease": 0.5,
} as const;

export type FaultKind = keyof typeof PER_MINUTE;

export interface PlannedFault {
  kind: FaultKind;
  /** From the beginning, in milliseconds. */
  atMs: number;
  /** Chooses whom it hits, from 0 up to 1. */
  target: number;
  /** How long it lasts, where it lasts; from 0 up to 1 of what its kind may take. */
  length: number;
}

export interface Fault {
  kind: FaultKind;
  at: number;
  /** When it was over, where it lasts. */
  until?: number;
  /** The life that it hit. */
  life?: number;
}

/** Spreads the faults of each kind evenly, each at random within its share of the time. */
export function planFaults(random: Random, minutes: number): PlannedFault[] {
  const plan = (Object.keys(PER_MINUTE) as FaultKind[]).flatMap((kind) => {
    const count = Math.max(1, Math.round(PER_MINUTE[kind] * minutes));
    const shareMs = (minutes * 60_000) / count;
    return Array.from({ length: count }, (_, n) => ({
      kind,
      atMs: (n + random.fraction()) * shareMs,
      target: random.fraction(),
      length: random.fraction(),
    }));
  });
  return plan.sort((a, b) => a.atMs - b.atMs);
}

export interface Victims {
  fleet: Fleet;
  postgres: OwnPostgres;
  redis: OwnRedis;
  leaseMs: number;
}

/** Carries out a plan; what lasts lasts while the next faults come. Resolves when the last one is over. */
export async function inflict(plan: readonly PlannedFault[], victims: Victims): Promise<Fault[]> {
  const began = Date.now();
  const faults: Fault[] = [];
  const servers = { postgres: new Turn(), redis: new Turn() };
  const lasting: Promise<unknown>[] = [];
  for (const planned of plan) {
    await sleep(Math.max(0, began + planned.atMs - Date.now()));
    const fault: Fault = { kind: planned.kind, at: Date.now() };
    lasting.push(strike(planned, fault, victims, servers).then((struck) => struck && faults.push(fault)));
  }
  await Promise.all(lasting);
  return faults.sort((a, b) => a.at - b.at);
}

/** What is done to a server, one after the other: it cannot be stopped while it starts. */
class Turn {
  #last: Promise<void> = Promise.resolve();

  take(fault: Fault, act: () => Promise<unknown>): Promise<true> {
    const mine = this.#last.then(async () => {
      fault.at = Date.now();
      await act();
      fault.until = Date.now();
    });
    this.#last = mine;
    return mine.then(() => true);
  }
}

/** False: there was nobody whom it could have hit. */
async function strike(
  { kind, target, length }: PlannedFault,
  fault: Fault,
  { fleet, postgres, redis, leaseMs }: Victims,
  servers: { postgres: Turn; redis: Turn },
): Promise<boolean> {
  const choose = (lives: readonly Life[]) => {
    const life = lives[Math.floor(target * lives.length)];
    if (life) fault.life = life.n;
    return life;
  };
  const pause = async (ms: number) => {
    // Who runs nothing has nothing to lose.
    const busy = fleet.serving().filter(({ journal }) => isBusy(journal));
    const life = choose(busy.length > 0 ? busy : fleet.serving());
    if (!life) return false;
    await fleet.pause(life, ms);
    return true;
  };
  const downFor = (how: "fast" | "immediate", ms: number) =>
    servers.postgres.take(fault, async () => {
      await postgres.stop(how);
      await sleep(ms);
      await postgres.start();
    });
  switch (kind) {
    case "worker killed": {
      const life = choose(fleet.alive());
      if (life) fleet.kill(life);
      return life !== undefined;
    }
    case "worker stopped beyond its lease":
      return pause(leaseMs * (1.2 + 1.3 * length));
    case "worker stopped for a moment":
      return pause((leaseMs / 4) * (1 + length));
    case "Redis flushed":
      return servers.redis.take(fault, () => redis.flush());
    case "Redis restarted, empty":
      return servers.redis.take(fault, async () => {
        await redis.kill();
        await sleep(length * 1_000);
        await redis.start();
      });
    case "Redis hangs":
      return servers.redis.take(fault, async () => {
        redis.signal("SIGSTOP");
        await sleep(leaseMs * (0.5 + 2 * length));
        redis.signal("SIGCONT");
      });
    case "Postgres backends terminated":
      return servers.postgres.take(fault, () =>
        postgres.sql(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tickwork' and random() < $1`,
          [0.3 + length],
        ),
      );
    case "Postgres restarted":
      return downFor("fast", 0);
    case "Postgres restarted after a crash":
      return downFor("immediate", 0);
    case "Postgres down for longer than a lease":
      return downFor("fast", leaseMs * (1 + length / 2));
  }
}
