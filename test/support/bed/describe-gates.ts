import { beforeEach, describe, expect } from "vitest";
import type { Gate, GateOptions } from "../../../packages/core/gate/gate.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import type { TestBed } from "./bed.ts";
import { describeOnStacks } from "./describe-on-stacks.ts";
import { breakRedis, openGates } from "./gates.ts";

type Dated = Exclude<Extract<Standing, { atMs: number }>, { kind: "laned" }>;

/** A gate, and the table behind it. */
export interface GateBed {
  bed: TestBed;
  /** It has the window in Redis. */
  cached: boolean;
  /** Redis does not answer, so Postgres stands in for it. */
  stoodIn: boolean;
  /** A gate of the same deployment. With a cache, it has been rebuilt: nothing waits. */
  open(options?: Partial<GateOptions>): Gate;
  /** A task that waits. The gate is told. */
  waits(gate: Gate, inMs: number): Promise<Dated>;
  /** A task that another program runs, and that is due. The gate is told. */
  waitsElsewhere(gate: Gate): Promise<Dated>;
  /** A task with a lease that ends then. The gate is told. */
  runs(gate: Gate, leaseInMs: number, slot?: number): Promise<Dated>;
  /** The tasks are completed. The gate is not told: these standings do. */
  complete(...tasks: Dated[]): Promise<Standing[]>;
}

export const emptyWindow = async () => ({
  writes: [],
  nowMs: Date.now(),
  cutAtMs: undefined,
  waitingForCode: new Map(),
  runByOthers: [],
  pauses: [],
});

const GATES = [
  { name: "in Redis", kind: "redis" },
  { name: "on Postgres", kind: "postgres" },
  { name: "on Postgres while Redis does not answer", kind: "fallback" },
] as const;

/** Describes a suite once for each gate, on each stack. */
export function describeGates(name: string, suite: (given: GateBed) => void): void {
  describeOnStacks(name, (bed) => {
    describe.each(GATES)("$name", ({ kind }) => {
      const open = (options: Partial<GateOptions> = {}) => openGates(bed, options)[kind];
      const cached = kind === "redis";
      beforeEach(async () => {
        if (kind === "fallback") breakRedis(bed);
        const gate = open();
        // Without a cache there is nothing that an empty Redis could be mistaken for.
        if (cached) expect(await gate.enter({ token: "first", napMs: 0 })).toEqual({ kind: "unknown" });
        await gate.rebuild(emptyWindow);
      });

      const stands = async (
        gate: Gate,
        stand: Dated["kind"],
        columns: string,
        values: string,
      ): Promise<Dated> => {
        const [row] = await bed.sql<{ id: string; rev: string; at_ms: string }>(
          `insert into "baasix_Tasks" (${columns}) values (${values}) returning id, rev,
            ceil(extract(epoch from coalesce(lease_expires_at, scheduled_time)) * 1000) as at_ms`,
        );
        const { id, rev, at_ms } = row ?? {};
        const standing = { id: Number(id), rev: Number(rev), kind: stand, atMs: Number(at_ms) };
        await gate.put([standing]);
        return standing;
      };
      // In whole milliseconds, as gates have times: what is rounded up is not due later than was asked for.
      const fromNow = (ms: number) => `date_trunc('milliseconds', now()) + ${ms} * interval '1 ms'`;
      suite({
        bed,
        cached,
        stoodIn: kind === "fallback",
        open,
        waits: (gate, inMs) => stands(gate, "waiting", "type, scheduled_time", `'note', ${fromNow(inMs)}`),
        waitsElsewhere: (gate) =>
          stands(gate, "foreign", "type, scheduled_time", `'of others', ${fromNow(-1_000)}`),
        runs: (gate, leaseInMs, slot = 0) =>
          stands(
            gate,
            "running",
            "type, task_status, scheduled_time, slot, lease_token, lease_expires_at",
            `'note', 'Running', now(), ${slot}, 't', ${fromNow(leaseInMs)}`,
          ),
        complete: async (...tasks) => {
          await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = any($1::bigint[])`, [
            `{${tasks.map(({ id }) => id)}}`,
          ]);
          return tasks.map(({ id, rev }) => ({ id, rev: rev + 1, kind: "gone" }));
        },
      });
    });
  });
}
