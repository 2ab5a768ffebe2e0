/** Operations on many tasks, and what has to come of them: each task that was meant, once, and no other. */
import fc from "fast-check";
import type { BulkRequest, Tickwork } from "#core";
import { BULK_BATCH, BULK_SCAN } from "../../../packages/core/limits.ts";
import {
  BULK_TYPE,
  type BulkAction,
  type BulkResult,
  TAKEN_BY,
} from "../../../packages/core/tasks/filter.ts";
import type { SimulatedPostgres } from "./wires.ts";
import type { World } from "./world.ts";

/** Something is done to many tasks. */
export interface BulkStep {
  do: "bulk";
  action: BulkAction;
  of: "work" | "short" | "dead" | "Completed" | "later" | "all";
  /** Of `reschedule`. */
  dueInMs: number;
  /** Who asks for it does so twice, with one key. */
  twice: boolean;
  /** Who asks for it dies so long after it began to. */
  dies?: number | undefined;
  /** Its worker dies so long after it wrote this batch; then it is cancelled, or another goes on with it. */
  workerDies?: { batch: number; ms: number; cancelled: boolean } | undefined;
  /** It is cancelled so long after it was asked for. */
  cancelledAfterMs?: number | undefined;
  /** And retried a while later. */
  retried: boolean;
}

/** How long after it was cancelled it is retried. */
export const BULK_RETRIED_MS = 30_000;

const OF: Record<BulkAction, readonly BulkStep["of"][]> = {
  retry: ["work", "short", "dead", "dead", "Completed", "all"],
  cancel: ["work", "short", "later", "all"],
  delete: ["work", "short", "dead", "Completed", "later", "all"],
  reschedule: ["work", "short", "later", "all"],
};

export function bulks(dies: boolean): fc.Arbitrary<BulkStep> {
  const onceIn = <Cut>(n: number, one: fc.Arbitrary<Cut>) =>
    fc.oneof({ weight: n - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: one });
  return fc
    .constantFrom<BulkAction>("retry", "retry", "cancel", "delete", "reschedule", "reschedule")
    .chain((action) =>
      fc.record({
        do: fc.constant("bulk" as const),
        action: fc.constant(action),
        of: fc.constantFrom(...OF[action]),
        dueInMs: fc.constantFrom(-60_000, 0, 0, 3_000, 20_000, 200_000, 200_000, 6 * 3_600_000),
        twice: fc.boolean(),
        ...(dies && {
          dies: onceIn(8, fc.integer({ min: 1, max: 80 })),
          workerDies: onceIn(
            2,
            fc.record({
              batch: fc.integer({ min: 1, max: 4 }),
              ms: fc.integer({ min: 0, max: 60 }),
              cancelled: fc.boolean(),
            }),
          ),
        }),
        cancelledAfterMs: onceIn(4, fc.integer({ min: 0, max: 800 })),
        retried: fc.boolean(),
      }),
    );
}

export function requestOf({ action, of, dueInMs }: BulkStep, nowMs: number): BulkRequest {
  const iso = (ms: number) => new Date(ms).toISOString();
  const filters: Record<BulkStep["of"], BulkRequest["filter"]> = {
    work: { type: "work" },
    short: { type: "short" },
    dead: { dead: true },
    Completed: { status: "Completed" },
    later: { scheduled_from: iso(nowMs + 1_000) },
    all: {},
  };
  return {
    ...{ action, filter: filters[of] },
    ...(of === "all" && { confirm: true }),
    ...(action === "reschedule" && { scheduled_time: iso(nowMs + dueInMs) }),
  };
}

/** So few that a story has many. The wire puts them in the place of what a real batch has. */
const SMALL = { scan: 4, count: 2 };
const isStep = (text: string) => text.includes("update tickwork_bulk");

export function inSmallBatches(text: string, params: readonly unknown[]): unknown[] {
  if (!isStep(text)) return [...params];
  if (params[4] !== BULK_SCAN || params[5] !== BULK_BATCH)
    throw new Error(`a batch must say at how many it looks, got ${params}`);
  return params.with(4, SMALL.scan).with(5, SMALL.count);
}

interface Row {
  id: number;
  type: string;
  status: string;
  rev: number;
  attempts: number;
  crashes: number;
  excused: number;
  maxAttempts: number;
  asked: boolean;
  token: string | null;
  progress: number | null;
  error: string | null;
  result: string | null;
  data: string | null;
  creator: string | null;
  changer: string | null;
  dueMs: number;
  createdMs: number;
  finishedMs: number;
}

const ms = (column: string) => `round(extract(epoch from ${column}) * 1000)`;
const ALL = `select id, type, task_status, rev, attempts, crashes, excused, max_attempts, cancel_requested, lease_token, progress,
  error_data, result_data, task_data, "userCreated_Id" as creator, "userUpdated_Id" as changer,
  ${ms("scheduled_time")} as due_ms, ${ms(`"createdAt"`)} as created_ms, ${ms("finished_at")} as finished_ms
  from "baasix_Tasks" order by id`;

/** As the definitions of the world say, and that of the operations. */
const attemptsOf = (type: string) => (type === BULK_TYPE ? 100 : 3);
const MAX_CRASHES = 50;

function rowOf(row: Record<string, string | null>): Row {
  const type = row.type ?? "";
  return {
    ...{ id: Number(row.id), type, status: row.task_status ?? "", rev: Number(row.rev) },
    ...{ attempts: Number(row.attempts), crashes: Number(row.crashes), excused: Number(row.excused) },
    maxAttempts: row.max_attempts ? Number(row.max_attempts) : attemptsOf(type),
    asked: row.cancel_requested === "t",
    token: row.lease_token ?? null,
    progress: row.progress ? Number(row.progress) : null,
    ...{ error: row.error_data ?? null, result: row.result_data ?? null, data: row.task_data ?? null },
    ...{ creator: row.creator ?? null, changer: row.changer ?? null },
    ...{ dueMs: Number(row.due_ms), createdMs: Number(row.created_ms), finishedMs: Number(row.finished_ms) },
  };
}

const isFinished = ({ status }: Row) => status === "Completed" || status === "Error";
const isCancelled = ({ error }: Row) => error?.includes('"cancelled"') ?? false;
const isDead = (row: Row) =>
  row.status === "Error" &&
  !isCancelled(row) &&
  (row.crashes >= MAX_CRASHES || Math.max(1, row.attempts - row.crashes - row.excused) >= row.maxAttempts);

/** Whether an operation means a task as it is. */
function means({ action, filter }: BulkRequest, row: Row): boolean {
  const named = filter.status ?? (filter.dead ? "Error" : undefined);
  const taken: readonly string[] = named ? [named] : TAKEN_BY[action].usual;
  return (
    taken.includes(row.status) &&
    (filter.type === undefined || filter.type === row.type) &&
    (!filter.dead || isDead(row)) &&
    (filter.scheduled_from === undefined || row.dueMs >= Date.parse(String(filter.scheduled_from)))
  );
}

interface Operation {
  request: BulkRequest;
  askedMs: number;
  /** The tasks that it means, as they were when it was asked for. */
  meant: Map<number, Row>;
  acted: Set<number>;
  batches: number;
  /** What somebody else has changed since, and what has ended or gone. */
  changed: Set<number>;
  ended: Set<number>;
}

/** What kills who does an operation, by who asked for it. */
export interface Cut {
  batch: number;
  kill(process: string): void;
}

export class BulkWatcher {
  /** Tasks that an operation has deleted. */
  readonly deleted = new Set<number>();
  /** An operation ended before it was through: what its last batch did, the cache may not know until a refresh. */
  brokenOff = false;
  readonly cuts = new Map<string, Cut>();
  #rows = new Map<number, Row>();
  readonly #operations = new Map<number, Operation>();
  readonly #world: World;
  readonly #postgres: SimulatedPostgres;

  constructor(world: World, postgres: SimulatedPostgres) {
    this.#world = world;
    this.#postgres = postgres;
  }

  /** The operations of one who asked. */
  askedBy(user: string): number[] {
    return [...this.#rows.values()].flatMap(({ id, creator }) => (creator === user ? id : []));
  }

  /** Compares all rows after a statement that writes. */
  async look(text: string, params: readonly unknown[]): Promise<void> {
    const before = this.#rows;
    const after = new Map((await this.#postgres.run(ALL)).map((row) => [Number(row.id), rowOf(row)]));
    this.#rows = after;
    const touched = [...before.values()].filter(({ id, rev }) => after.get(id)?.rev !== rev);
    const run = isStep(text) ? Number(params[0]) : undefined;
    if (run !== undefined) this.#batch(run, touched, before, after);
    for (const [operation, { changed, ended }] of this.#operations)
      for (const { id } of operation === run ? [] : touched) {
        changed.add(id);
        const is = after.get(id);
        if (!is || isFinished(is)) ended.add(id);
      }
    for (const row of after.values()) {
      if (row.type !== BULK_TYPE) continue;
      if (!this.#operations.has(row.id)) this.#begin(row, after);
      const was = before.get(row.id);
      if (row.status === "Completed" && was?.status !== "Completed") this.#expectDone(row);
      if (row.progress !== null && (was?.progress ?? 0) > row.progress && was?.attempts === row.attempts)
        this.#world.violate(`operation ${row.id}: its progress went back`);
    }
    for (const [id, { batches }] of this.#operations)
      if (batches > 0 && (after.get(id)?.status ?? "Error") === "Error" && before.get(id)?.status !== "Error")
        this.brokenOff = true;
  }

  #begin({ id, data, createdMs }: Row, rows: Map<number, Row>): void {
    const request = JSON.parse(data ?? "{}") as BulkRequest;
    const meant = new Map([...rows].filter(([other, row]) => other < id && means(request, row)));
    const nothing = { acted: new Set<number>(), changed: new Set<number>(), ended: new Set<number>() };
    this.#operations.set(id, { request, askedMs: createdMs, meant, batches: 0, ...nothing });
  }

  #batch(run: number, touched: Row[], before: Map<number, Row>, after: Map<number, Row>): void {
    const operation = this.#operations.get(run);
    const its = before.get(run);
    if (!operation || !its || touched.length === 0) return;
    operation.batches++;
    const { request, acted, askedMs } = operation;
    if (its.status !== "Running" || its.asked)
      this.#world.violate(`operation ${run} went on after it was cancelled`);
    for (const was of touched) {
      const { id } = was;
      const is = after.get(id);
      const wrong = (why: string) =>
        this.#world.violate(`operation ${run}, ${request.action}: ${why} (task ${id}, ${was.status})`);
      if (id > run) wrong("a task that came later");
      if (!means(request, was)) wrong("a task that it does not mean");
      if (isFinished(was) && was.finishedMs > askedMs) wrong("a task that finished after it was asked for");
      if (acted.has(id)) wrong("the same task twice");
      acted.add(id);
      if (!this.#isDone(request, was, is)) wrong(`not what it is to do, but ${JSON.stringify(is)}`);
      if (is && its.creator !== null && is.changer !== its.creator) wrong("it does not say who asked");
      if (!is) this.deleted.add(id);
    }
    const cut = this.cuts.get(its.creator ?? "");
    if (cut && --cut.batch === 0) cut.kill(its.token?.split("#")[0] ?? "");
  }

  #isDone({ action, scheduled_time }: BulkRequest, was: Row, is: Row | undefined): boolean {
    if (action === "delete") return is === undefined;
    if (!is || is.attempts !== was.attempts || is.data !== was.data || is.type !== was.type) return false;
    const waits = is.status === "Not started" && is.token === null;
    switch (action) {
      case "reschedule":
        return waits && is.dueMs === Date.parse(String(scheduled_time)) && is.crashes === was.crashes;
      case "retry":
        return (
          waits &&
          Math.abs(is.dueMs - this.#postgres.nowMs()) <= 1 &&
          is.crashes === 0 &&
          is.excused === is.attempts &&
          is.error === null &&
          is.result === null
        );
      case "cancel":
        if (was.status === "Running") return is.status === "Running" && is.asked && is.token === was.token;
        return is.status === "Error" && isCancelled(is);
    }
  }

  /** All that it meant, but what somebody else has changed meanwhile; and it says so. */
  #expectDone({ id, result, progress }: Row): void {
    const operation = this.#operations.get(id);
    if (!operation) return;
    const { request, acted, meant, changed, ended } = operation;
    const said = JSON.parse(result ?? "{}") as BulkResult;
    const violate = (what: string) => this.#world.violate(`operation ${id}, ${request.action}: ${what}`);
    if (said.changed !== acted.size || said.matched !== acted.size || said.skipped !== 0)
      violate(`it says ${result}, and has changed ${acted.size}`);
    if (progress !== 1) violate(`it is done, and its progress is ${progress}`);
    // What begins or ends to run while a cancel goes on is meant all the same.
    const excused = request.action === "cancel" && !request.filter.scheduled_from ? ended : changed;
    for (const task of meant.keys())
      if (!acted.has(task) && !excused.has(task)) violate(`it left out task ${task}`);
  }
}

/** What somebody calls who asks for an operation. */
export function askFor(
  step: BulkStep,
  user: string,
  nowMs: number,
  acknowledged: Set<number>,
): ((tickwork: Tickwork) => Promise<void>)[] {
  const request = requestOf(step, nowMs);
  const ask = async ({ operator }: Tickwork) => {
    const { id } = await operator.bulk(request, {
      userId: user,
      ...(step.twice && { idempotencyKey: user }),
    });
    acknowledged.add(id);
  };
  return step.twice ? [ask, ask] : [ask];
}
