/** Schedules that are put, changed and paused, and what has to come of them. */
import type { Tickwork } from "#core";
import type { ScheduleStep } from "./steps.ts";
import type { StoryParts } from "./story.ts";
import type { SimulatedPostgres } from "./wires.ts";
import type { World } from "./world.ts";

/** Occurrences so near to a change may be of the schedule before or after it. */
const CHANGE_MS = 5_000;
/** An occurrence is made ahead of its time. */
const MADE_LATE_MS = 30_000;
/** Longer than what is made at once of the most frequent schedule, and than the interval of refreshes. */
const LATER_MS = 700_000;

/** What a schedule was, from when its change was acknowledged until it was changed again. */
interface Era {
  name: string;
  /** Null while nobody knows: a change failed, or is under way; and while it is paused. */
  everySeconds: number | null;
  paused?: boolean;
  fromMs: number;
  untilMs: number;
}

/** What is asked of schedules in a story. */
export class ScheduleBook {
  readonly #eras: Era[] = [];
  readonly #changes = new Map<string, Promise<void>>();
  readonly #world: World;
  readonly #postgres: SimulatedPostgres;

  constructor({ world, postgres }: Pick<StoryParts, "world" | "postgres">) {
    this.#world = world;
    this.#postgres = postgres;
  }

  /** What somebody calls who changes one; one change of a schedule at a time, or none could say what it is. */
  change(step: ScheduleStep): (tickwork: Tickwork) => Promise<void> {
    const name = `${step.overlap} ${step.of}`;
    return async ({ schedules }) => {
      const before = this.#changes.get(name);
      const change = (before ?? Promise.resolve())
        .catch(() => {})
        .then(async () => {
          this.#begin({ name, everySeconds: null });
          await schedules.put(name, {
            every_seconds: step.everySeconds,
            type: "work",
            task_data: step.work,
            catch_up: step.catchUp,
            overlap: step.overlap,
            paused: step.paused,
          });
          this.#begin({ name, everySeconds: step.paused ? null : step.everySeconds, paused: step.paused });
        });
      this.#changes.set(name, change);
      await change;
    };
  }

  #begin(era: Omit<Era, "fromMs" | "untilMs">): void {
    const nowMs = this.#postgres.nowMs();
    const before = this.#eras.findLast(({ name, untilMs }) => name === era.name && untilMs === Infinity);
    if (before) before.untilMs = nowMs;
    this.#eras.push({ ...era, fromMs: nowMs, untilMs: Number.POSITIVE_INFINITY });
  }

  /** Each time has its occurrence, made before it, and no other time has one. What waits goes with a change. */
  async expectOccurrences(): Promise<void> {
    if (this.#eras.length === 0) return;
    await this.#world.runUntil(this.#world.nowMs + LATER_MS);
    const nowMs = this.#postgres.nowMs();
    const rows = await this.#world.real(() => this.#postgres.run(OCCURRENCES, []));
    const madeMs = new Map(rows.map((row) => [`${row.schedule} ${row.time_ms}`, Number(row.made_ms)]));
    for (const { name, everySeconds, paused, fromMs, untilMs } of this.#eras) {
      const from = fromMs + CHANGE_MS;
      const until = Math.min(untilMs - CHANGE_MS, nowMs - MADE_LATE_MS);
      const everyMs = (everySeconds ?? 0) * 1000;
      if (everyMs > 0 && untilMs === Number.POSITIVE_INFINITY)
        for (let at = Math.ceil(from / everyMs) * everyMs; at < until; at += everyMs) {
          const made = madeMs.get(`${name} ${at}`);
          if (made === undefined) this.#world.violate(`${name}: the occurrence of ${iso(at)} was left out`);
          else if (made > at + MADE_LATE_MS)
            this.#world.violate(`${name}: the occurrence of ${iso(at)} was made too late`);
        }
      if (everyMs === 0 && !paused) continue;
      for (const key of madeMs.keys()) {
        const at = Number(key.slice(name.length + 1));
        if (key.startsWith(`${name} `) && at > from && at < until && (everyMs === 0 || at % everyMs !== 0))
          this.#world.violate(`${name}: nobody asked for an occurrence at ${iso(at)}`);
      }
    }
  }
}

const OCCURRENCES = `select schedule, round(extract(epoch from schedule_time) * 1000) as time_ms,
  extract(epoch from "createdAt") * 1000 as made_ms from "baasix_Tasks" where schedule is not null`;

const iso = (ms: number) => new Date(ms).toISOString();

/** At the end nothing recurs any more. */
export async function removeSchedules({ schedules }: Tickwork): Promise<void> {
  const { schedules: kept } = await schedules.list({ limit: 100 });
  for (const { name } of kept) await schedules.remove(name);
}
