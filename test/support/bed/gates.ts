/** The gates of core on the wires of a bed. */
import type { Clock } from "#core";
import { silent, systemClock } from "#core";
import { withFallback } from "../../../packages/core/gate/fallback-gate.ts";
import type { Gate, GateOptions } from "../../../packages/core/gate/gate.ts";
import { createPostgresGate } from "../../../packages/core/gate/postgres-gate.ts";
import { createRedisGate } from "../../../packages/core/gate/redis-gate.ts";
import type { TestBed } from "./bed.ts";
import { noteRings } from "./doorbells.ts";

export interface Gates {
  redis: Gate;
  postgres: Gate;
  /** The first, with the second for when it does not answer. */
  fallback: Gate;
}

/** All of them are the same deployment. Its flags last a minute, and it has one slot. */
export function openGates(
  bed: TestBed,
  { clock = systemClock, ...given }: Partial<GateOptions> & { clock?: Clock } = {},
): Gates {
  const { database, redis: commands, prefix } = bed.make({ doorbell: noteRings() });
  if (!commands) throw new Error("the bed must have a Redis");
  const options: GateOptions = {
    prefix,
    slots: 1,
    flagTtlMs: 60_000,
    operatorTtlMs: 900_000,
    limit: 10_000,
    basis: "the tests'",
    earlyMs: 60_000,
    ...given,
  };
  const redis = createRedisGate(commands, options);
  const postgres = createPostgresGate(database, options, { ours: ["note"], foreign: ["of others"] });
  return { redis, postgres, fallback: withFallback(redis, postgres, clock, silent) };
}

/** Redis does not answer until the bed is cleared or this is taken back. */
export function breakRedis(bed: TestBed): () => void {
  bed.faults.redis = () => {
    throw new Error("connection refused");
  };
  return () => delete bed.faults.redis;
}
