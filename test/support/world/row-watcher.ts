/** Outside of everything: what handlers really did, and whether what Postgres says agrees with the promises. */
import type { Task } from "#core";
import { BulkWatcher } from "./bulk.ts";
import { type LaneWatcher, watchLanes } from "./lanes.ts";
import type { SimulatedPostgres } from "./wires.ts";
import type { Process, World } from "./world.ts";

export interface Execution {
  task: number;
  schedule: string | null;
  attempt: number;
  process: Process;
  ended: boolean;
}

export interface SeenRow {
  id: number;
  type: string;
  status: string;
  attempts: number;
  crashes: number;
  rev: number;
  token: string | null;
  slot: number | null;
  leaseMs: number | null;
  dueMs: number;
  createdMs: number;
  result: { attempt?: number } | null;
  error: string | null;
}

const SNAPSHOT = `select id, type, task_status, attempts, crashes, rev, lease_token, slot, result_data, error_data,
  extract(epoch from lease_expires_at) * 1000 as lease_ms, extract(epoch from scheduled_time) * 1000 as due_ms,
  extract(epoch from "createdAt") * 1000 as created_ms from "baasix_Tasks"`;
/** Finished tasks that are watched still: the latest ones, which somebody who came too late might touch. */
const FINISHED_WATCHED = 30;
const WATCHED = `task_status in ('Not started', 'Running') or id = any($1::bigint[])`;

const number = (value: string | null | undefined) =>
  value === null || value === undefined ? null : Number(value);

/** Which task and token a settle names: its parameters have names in the code, and numbers on the wire. */
const SETTLED = /where id = \$(\d+)::bigint and (?:(?:nullif\()?lease_token = )?\$(\d+)::text/;
const CLAIM_TOKEN =
  /(?:lease_token = |tickwork_claim_laned\((?:[^,]+, ){3}|tickwork_batch\((?:[^,]+, ){11})\$(\d+)::text/;
const numberIn = (text: string, pattern: RegExp, group = 1) => {
  const match = pattern.exec(text);
  if (!match) throw new Error(`the statement has no ${pattern}: ${text}`);
  return Number(match[group]) - 1;
};
function settledIn(text: string, params: readonly unknown[]): Settled | undefined {
  if (/tickwork_batch/.test(text)) return settledByBatch(params);
  if (!/done as/.test(text)) return undefined;
  const settled = Number(params[numberIn(text, SETTLED)]);
  const token = String(params[numberIn(text, SETTLED, 2)]);
  return (id) => (id === settled ? [token] : undefined);
}

/** Whom a statement of a batch names, and by which tokens. */
function settledByBatch(params: readonly unknown[]): Settled {
  const [tokens, completed = "{}", , , , , others = "[]"] = params.map(String);
  const ids = new Set(JSON.parse(`[${completed.slice(1, -1)}]`) as number[]);
  for (const { columns } of JSON.parse(others) as { columns: { id: number } }[]) ids.add(columns.id);
  const given = [...(tokens ?? "").matchAll(/"([^"]*)"/g)].map(([, token]) => token);
  return (id) => (ids.has(id) ? given : undefined);
}

/** The tokens by which a statement writes how the attempt of a task ended; undefined if it does not. */
type Settled = (id: number) => readonly (string | undefined)[] | undefined;

export const processOf = ({ token }: Pick<SeenRow, "token">) => token?.split("#")[0];

/** Rows that are leased together are one lease: that of the row with the slot, as long as it lives. */
function leasesIn(live: readonly SeenRow[]): number {
  const withSlot = live.filter(({ slot, token }) => slot !== null || token === null);
  const heads = new Set(withSlot.map(processOf));
  const headless = live.filter(
    (row) => row.slot === null && row.token !== null && !heads.has(processOf(row)),
  );
  return withSlot.length + new Set(headless.map(processOf)).size;
}

/** All rows, or those that wait or run and some more. */
export async function readRows(
  postgres: SimulatedPostgres,
  more?: readonly number[],
): Promise<Map<number, SeenRow>> {
  const rows = more
    ? await postgres.run(`${SNAPSHOT} where ${WATCHED} order by id`, [`{${more}}`])
    : await postgres.run(`${SNAPSHOT} order by id`);
  return new Map(
    rows.map((row) => [
      Number(row.id),
      {
        id: Number(row.id),
        type: row.type ?? "",
        status: row.task_status ?? "",
        attempts: Number(row.attempts),
        crashes: Number(row.crashes),
        rev: Number(row.rev),
        token: row.lease_token ?? null,
        slot: number(row.slot),
        leaseMs: number(row.lease_ms),
        dueMs: Number(row.due_ms),
        createdMs: Number(row.created_ms),
        result: row.result_data ? (JSON.parse(row.result_data) as SeenRow["result"]) : null,
        error: row.error_data ?? null,
      },
    ]),
  );
}

export interface WatcherOptions {
  slots: number;
  /** How long after it is due and a slot is free a task starts, at most; undefined where something goes wrong. */
  startMs: number | undefined;
  /** No worker loses track of a lease, so that a process holds no more than one batch. */
  bounded?: boolean;
  /** Something may be paused. */
  pauses?: boolean;
  /** Limits hold. */
  lanes?: boolean;
  /** Something is done to many tasks. */
  bulk?: boolean;
  /** Nothing is slow: once a process has to stop, nothing begins in it, and no lease is lost. */
  prompt?: boolean;
}

/** Of a claim that was under way the answer may come a moment later. */
const DRAIN_MS = 1_000;

/** Tasks of the type `short` that a batch holds. */
export const BATCH_SIZE = 5;

/** Watches every statement that writes, and compares. */
export class RowWatcher {
  rows = new Map<number, SeenRow>();
  readonly executions: Execution[] = [];
  /**
   * Leases, by task, that a claim made after its repetition was done. When the sender has its answer and went on,
   * nobody knows of them, and they end by themselves.
   */
  readonly leasedLate = new Map<number, number>();
  /** The processes of which another program ended what they ran. */
  readonly robbed = new Set<string>();
  /** The tokens of the claims that were done. */
  readonly #claims = new Set<string>();
  readonly bulk: BulkWatcher;
  readonly #world: World;
  readonly #postgres: SimulatedPostgres;
  readonly #options: WatcherOptions;
  readonly #lanes: LaneWatcher;
  #slotFreeSinceMs = 0;
  /** What is paused, and when something was last resumed. */
  #paused: ReadonlySet<string> = new Set();
  #resumedAtMs = 0;
  /** Since when a task has waited with its present due time. */
  readonly #waitsSinceMs = new Map<number, number>();

  constructor(world: World, postgres: SimulatedPostgres, options: WatcherOptions) {
    this.#world = world;
    this.#postgres = postgres;
    this.#options = options;
    this.#lanes = watchLanes(world, postgres);
    this.bulk = new BulkWatcher(world, postgres);
    postgres.watch = async (text, params, execute) => {
      await execute();
      if (/\b(insert|update|delete)\b|tickwork_(insert_unique|batch)/i.test(text))
        await this.look(settledIn(text, params));
      if (options.bulk) await this.bulk.look(text, params);
      if (/buried as|tickwork_batch/.test(text))
        this.#claims.add(String(params[numberIn(text, CLAIM_TOKEN)]));
    };
  }

  begin({ id: task, schedule }: Pick<Task, "id" | "schedule">, attempt: number, process: Process): Execution {
    if (this.executions.some((one) => one.task === task && one.attempt === attempt))
      this.#world.violate(`attempt ${attempt} of task ${task} began twice`);
    if (this.#options.prompt && this.#world.nowMs > process.drainsSinceMs + DRAIN_MS)
      this.#world.violate(`task ${task} began although its process has to stop`);
    // What a process does that stood still until its lease had ended counts for nothing: the task is run by another one.
    const holds = ({ task, attempt }: Execution) => {
      const row = this.rows.get(task);
      return row?.status === "Running" && row.attempts === attempt;
    };
    const goesOn = (one: Execution) =>
      one.schedule === schedule && !one.ended && one.process.alive && holds(one);
    if (schedule && !schedule.startsWith("allow") && this.executions.some(goesOn))
      this.#world.violate(`an occurrence of "${schedule}" began while another one went on`);
    const execution = { task, schedule, attempt, process, ended: false };
    this.executions.push(execution);
    return execution;
  }

  /** A handler was asked to stop. */
  stopped({ task, process }: Execution, reason: { code?: string }): void {
    if (this.#options.prompt && reason.code === "lease_lost" && !this.robbed.has(process.name))
      this.#world.violate(`task ${task} was stopped for a lost lease, and nothing took it`);
  }

  /** Compares the rows with what they were; `settled` is whom a settle named. */
  async look(settled: Settled = () => undefined): Promise<void> {
    const before = this.rows;
    const after = await readRows(this.#postgres, [...before.keys()]);
    this.rows = withoutOldOnes(after);
    const nowMs = this.#postgres.nowMs();
    if (this.#options.pauses) await this.#lookAtPauses();
    if (this.#options.lanes) await this.#lanes.look();
    const isLive = ({ status, leaseMs }: SeenRow) => status === "Running" && (leaseMs ?? 0) > nowMs;
    const live = [...after.values()].filter(isLive);
    const ours = live.filter(({ token }) => token !== null);
    // What other programs run they start as they like; Tickwork starts nothing beside it.
    const allowed = ours.some(({ id, token }) => before.get(id)?.token !== token) ? live : ours;
    if (leasesIn(allowed) > this.#options.slots)
      this.#world.violate(
        `promise 2: ${leasesIn(allowed)} tasks hold a live lease, and ${this.#options.slots} may`,
      );
    for (const row of after.values()) this.#compare(before.get(row.id), row, nowMs, settled);
    for (const name of new Set(ours.map(processOf))) {
      const held = ours.filter((row) => processOf(row) === name && row.slot === null).length;
      if (held >= BATCH_SIZE && this.#options.bounded)
        this.#world.violate(`a batch holds ${held + 1} tasks, of which a crash would repeat all`);
    }
    if (leasesIn(live) >= this.#options.slots) this.#slotFreeSinceMs = Number.POSITIVE_INFINITY;
    else if (this.#slotFreeSinceMs === Number.POSITIVE_INFINITY) this.#slotFreeSinceMs = nowMs;
  }

  async #lookAtPauses(): Promise<void> {
    const rows = await this.#postgres.run("select kind || name as paused from tickwork_pauses", []);
    const paused = new Set(rows.map((row) => row.paused ?? ""));
    if ([...this.#paused].some((one) => !paused.has(one))) this.#resumedAtMs = this.#postgres.nowMs();
    this.#paused = paused;
  }

  #compare(was: SeenRow | undefined, is: SeenRow, nowMs: number, settled: Settled): void {
    if (is.status === "Not started" && (was?.status !== "Not started" || was.dueMs !== is.dueMs))
      this.#waitsSinceMs.set(is.id, nowMs);
    if (!was || was.rev === is.rev) return;
    const violate = (what: string) =>
      this.#world.violate(`${what} (task ${is.id}: ${was.status} → ${is.status}, attempt ${is.attempts})`);
    if (is.rev < was.rev) violate("rule 8: rev went back");
    const tokens = settled(is.id);
    if (tokens && !tokens.includes(was.token ?? undefined))
      violate("promise 3: a worker without the lease changed a task");
    if (
      was.status === "Running" &&
      is.status === "Running" &&
      was.token !== is.token &&
      (was.leaseMs ?? 0) > nowMs
    )
      violate("promise 2: a live lease was taken from its holder");
    if (is.status === "Completed" && is.result?.attempt !== undefined && is.result.attempt !== is.attempts)
      violate(`promise 3: the result is of attempt ${is.result.attempt}`);
    if (tokens && was.status === "Running" && is.status !== "Running") {
      const going = this.executions.find(
        (one) => one.task === is.id && one.attempt === was.attempts && !one.ended && one.process.alive,
      );
      if (going) violate("rule 11: settled while its handler goes on");
      const began = this.executions.some((one) => one.task === is.id && one.attempt === was.attempts);
      // In a batch it may be cancelled before its turn.
      if (is.status === "Error" && !began && !is.error?.includes('"cancelled"'))
        violate("promise 1: a task ended that nobody ran");
    }
    if (is.token !== null && was.token !== is.token && this.#claims.has(is.token))
      this.leasedLate.set(is.id, (this.leasedLate.get(is.id) ?? 0) + 1);
    const starts = is.status === "Running" && is.token !== null && was.token !== is.token;
    if (starts && (this.#paused.has("all") || this.#paused.has(`type${is.type}`)))
      violate("it was started while it is paused");
    if (is.status === "Running" && was.status === "Not started") this.#started(was, is, nowMs, violate);
  }

  #started(was: SeenRow, is: SeenRow, nowMs: number, violate: (what: string) => void): void {
    const { startMs } = this.#options;
    if (startMs === undefined || is.token === null) return;
    const couldStartMs = Math.max(
      was.dueMs,
      this.#resumedAtMs,
      this.#waitsSinceMs.get(is.id) ?? nowMs,
      this.#slotFreeSinceMs === Number.POSITIVE_INFINITY ? nowMs : this.#slotFreeSinceMs,
      this.#lanes.freeSinceMs(is.id),
    );
    const waitedMs = nowMs - couldStartMs;
    if (waitedMs > startMs)
      violate(`promise 5: it was due and a slot was free for ${Math.round(waitedMs)} ms`);
  }
}

/** Forgets the finished ones but for the latest, or a long story would take longer with every task. */
function withoutOldOnes(rows: Map<number, SeenRow>): Map<number, SeenRow> {
  const finished = [...rows.values()].filter(({ status }) => status === "Completed" || status === "Error");
  for (const { id } of finished.slice(0, -FINISHED_WATCHED)) rows.delete(id);
  return rows;
}
