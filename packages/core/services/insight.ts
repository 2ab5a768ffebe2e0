import type { StandardSchemaV1 } from "@standard-schema/spec";
import { invalidRequest, mustBe } from "../errors.ts";
import type { Gate } from "../gate/gate.ts";
import { FINISHED_BUCKETS, UPCOMING_BUCKETS, WINDOW_MS } from "../limits.ts";
import type { Count, FinishedBucket, Store, TypeOutcomes } from "../store/store.ts";
import { schemaOf } from "../tasks/lazy-task.ts";
import type { Registry } from "../tasks/registry.ts";
import { isStorable, STORABLE_TEXT } from "../tasks/storable.ts";
import type { TaskStatus } from "../tasks/task.ts";
import { versionOfRow } from "../tasks/version.ts";

/** What `Insight.getOverview` returns: the whole at one glance. Times are ISO 8601. */
export interface Overview {
  /** Postgres's time. */
  now: string;
  counts: Record<TaskStatus, Count>;
  /** The running flag: who holds it, a tick that works or the operator; null when nobody does. */
  flag: { held_by: "tick" | "operator" | null };
  /** The tasks that ended in the last hours, in parts of the same length: the oldest first, the last one ends now. */
  finished: {
    bucket_seconds: number;
    /** What ended before this was too much to be counted; null when all was counted. */
    counted_since: string | null;
    buckets: FinishedBucket[];
  };
  /** How many waiting tasks become due, in parts of the next four hours. */
  upcoming: {
    bucket_seconds: number;
    /** Waiting tasks that are due. */
    overdue: number;
    /** Whether there were more than were counted. */
    cut: boolean;
    buckets: number[];
  };
}

/** A type of task: what this process knows of it, and what became of its tasks. */
export interface TypeInfo {
  type: string;
  /**
   * - `here`: this deployment runs it
   * - `elsewhere`: another program does, as `foreignTask` says
   * - `nowhere`: no code here has it, so its tasks wait
   */
  runs: "here" | "elsewhere" | "nowhere";
  /** How often one may fail before it ends in `Error`; null unless it runs here. */
  max_attempts: number | null;
  /** What an attempt may take; null unless it runs here. */
  timeout_seconds: number | null;
  /** How many are leased together; null when they run one by one. */
  batch_size: number | null;
  /** Waiting tasks, up to 100, and how many of those that were counted are due. */
  waiting: number;
  due: number;
  running: number;
  /** Its last finished tasks, the newest first, up to 20: their ids, and whether they completed. */
  recent: { id: number; completed: boolean }[];
  /** The median of how long those of them took that completed, in milliseconds; null when there were none. */
  median_ms: number | null;
}

/** Shows what is there to whoever looks at the whole. Methods throw PostgresError when Postgres does not answer. */
export interface Insight {
  /**
   * The whole at one glance: counts, what ended in the last hours and what comes in the next four. One request to
   * Postgres and one to Redis, of the same cost however many tasks there are.
   *
   * @param options.minutes how far back it looks
   * @example const { counts, upcoming } = await insight.getOverview({ minutes: 180 });
   */
  getOverview(options: { minutes: number }): Promise<Overview>;
  /**
   * The types that this deployment knows and those that stored tasks have, by name, and what became of the last tasks
   * of each. One request to Postgres.
   *
   * @param options.after the name after which to begin; default: the first
   * @example const types = await insight.getTypes({ limit: 100 });
   */
  getTypes(options: { after?: string | undefined; limit: number }): Promise<TypeInfo[]>;
  /**
   * One of them, and the schema of its data, whatever library that is of; without one it takes any data, or is not
   * known.
   *
   * @example const { runs, schema } = await insight.getType("http_request");
   */
  getType(type: string): Promise<TypeInfo & { schema: StandardSchemaV1 | undefined }>;
}

interface InsightDeps {
  store: Pick<Store, "overview" | "types" | "type">;
  gate: Pick<Gate, "look">;
  registry: Registry;
}

export function createInsight({ store, gate, registry }: InsightDeps): Insight {
  return {
    async getOverview({ minutes }) {
      const spanMs = minutes * 60_000;
      const [read, look] = await Promise.all([
        store.overview(spanMs),
        // Without Redis the rest is worth showing all the same.
        gate.look().catch(() => undefined),
      ]);
      const { finished, upcoming } = read;
      return {
        now: new Date(read.nowMs).toISOString(),
        counts: read.counts,
        flag: { held_by: look?.operatorRuns ? "operator" : look?.tickRuns ? "tick" : null },
        finished: {
          bucket_seconds: spanMs / FINISHED_BUCKETS / 1000,
          counted_since:
            finished.countedSinceMs === null ? null : new Date(finished.countedSinceMs).toISOString(),
          buckets: finished.buckets,
        },
        upcoming: {
          bucket_seconds: WINDOW_MS / UPCOMING_BUCKETS / 1000,
          overdue: upcoming.overdue,
          cut: upcoming.cut,
          buckets: upcoming.buckets,
        },
      };
    },

    async getTypes({ after, limit }) {
      const found = await store.types({ registered: registry.types, after: after ?? "", limit });
      return found.map((outcomes) => infoOf(registry, outcomes));
    },

    async getType(type) {
      if (!isStorable(type)) throw invalidRequest([{ path: "type", message: mustBe(STORABLE_TEXT, type) }]);
      const definition = registry.get(type);
      const [outcomes, schema] = await Promise.all([store.type(type), definition && schemaOf(definition)]);
      return { ...infoOf(registry, outcomes), schema };
    },
  };
}

function infoOf(registry: Registry, { recent, recentIds, medianMs, ...outcomes }: TypeOutcomes): TypeInfo {
  return {
    ...aboutType(registry, outcomes.type),
    ...outcomes,
    recent: recentIds.map((id, n) => ({ id, completed: recent[n] ?? false })),
    median_ms: medianMs,
  };
}

function aboutType(registry: Registry, type: string) {
  const definition = registry.get(type);
  const runsHere = definition !== undefined && !definition.foreign;
  return {
    runs: runsHere ? ("here" as const) : definition ? ("elsewhere" as const) : ("nowhere" as const),
    max_attempts: runsHere ? (definition.maxAttempts ?? 1) : null,
    timeout_seconds: runsHere ? registry.timeoutMsOf(definition) / 1000 : null,
    batch_size: registry.batchOf({ type, version: versionOfRow(definition?.version) })?.size ?? null,
  };
}
