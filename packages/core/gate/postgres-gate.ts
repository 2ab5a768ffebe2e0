import type { Database } from "../store/database.ts";
import type { Sql } from "../store/sql.ts";
import { textArray } from "../store/store.ts";
import { type Asking, type Decision, type Gate, type GateOptions, OPERATOR } from "./gate.ts";

interface GateRow {
  due: boolean | null;
  at_ms: number | null;
  now_ms: number;
  slots: number;
  slot: number | null;
  asleep: boolean;
  free_ms: number | null;
  /** When somebody else who sleeps wakes up. */
  wake_ms: number | null;
}

/**
 * The gate on Postgres alone, for `CACHE_ENABLED=false` and for when Redis is out of reach: the flags are rows,
 * nothing is cached, and a look costs one query. `types` are run by other programs.
 */
export function createPostgresGate(
  database: Database,
  sql: Sql,
  options: GateOptions,
  types: readonly string[],
): Gate {
  const foreign = textArray(types);
  const { slots, flagTtlMs, operatorTtlMs, limit, earlyMs } = options;
  const query = <Row>(text: string, ...params: unknown[]) =>
    database.query<Row>({ text, params }, { repeatable: true });
  const look = async ({ token, napMs }: Asking, slot: number | null, letGo: boolean) => {
    const [row] = await query<GateRow>(sql.gate, token, flagTtlMs, slots, napMs, slot, letGo, foreign);
    if (!row) throw new Error("the gate's query answers one row");
    return row;
  };
  const decide = (row: GateRow, napMs: number): Decision => {
    const next = row.at_ms === null ? undefined : { atMs: row.at_ms, inMs: row.at_ms - row.now_ms };
    if (row.due && row.slot !== null) return { kind: "go", slot: row.slot, more: row.slots > 1, seen: [] };
    if (row.due) return { kind: "held", freeInMs: Math.max(0, (row.free_ms ?? row.now_ms) - row.now_ms) };
    if (row.asleep && next) return { kind: "sleep", until: next, lease: undefined };
    if (next && next.inMs <= napMs && row.wake_ms !== null)
      return {
        kind: "asleep",
        wake: { atMs: row.wake_ms, inMs: row.wake_ms - row.now_ms },
        lease: undefined,
      };
    return { kind: "idle", next, lease: undefined };
  };
  const stats = async () => {
    const [row] = await query<{ refreshed_ms: number | null; waiting: number; running: boolean }>(
      sql.stats,
      limit,
    );
    return row;
  };
  return {
    enter: async (asking) => decide(await look(asking, null, false), asking.napMs),
    leave: async (asking, slot) => decide(await look(asking, slot, false), asking.napMs),
    release: async (token, slot) => {
      const row = await look({ token, napMs: 0 }, slot, true);
      return { more: row.at_ms !== null && row.at_ms <= row.now_ms + earlyMs };
    },
    // It cannot see whether a lease ended without asking; the next settle looks in passing.
    renew: async (token, slot) => ({
      kept: (await query(sql.renewFlag, token, slot, flagTtlMs)).length > 0,
      overdue: true,
      more: false,
    }),
    put: async () => true,
    rebuild: async (read) => {
      await read();
      await query(sql.noteRefresh);
      return true;
    },
    look: async () => {
      const row = await stats();
      return {
        waiting: row?.waiting ?? 0,
        tickRuns: row?.running ?? false,
        operatorRuns: false,
        refreshedMs: row?.refreshed_ms ?? undefined,
      };
    },
    list: async () => undefined,
    setRunning: async (running) => {
      if (running) await query(sql.raiseFlags, OPERATOR, slots, operatorTtlMs);
      else await query(sql.lowerFlags);
    },
    isRunning: async () => {
      const [row] = await query<{ running: boolean }>(sql.isRunning);
      return row?.running ?? false;
    },
  };
}
