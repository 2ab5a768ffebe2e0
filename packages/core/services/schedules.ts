import type { Clock } from "../clock.ts";
import { messageOf, quote, TickworkError } from "../errors.ts";
import { NEXT_TIMES } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Occurrences } from "../run/occurrences.ts";
import type { Database } from "../store/database.ts";
import * as store from "../store/schedules.ts";
import { isSealed } from "../tasks/encryption.ts";
import { checkSchedule, checkTimes, pauseAlone } from "../tasks/new-schedule.ts";
import type { Registry } from "../tasks/registry.ts";
import type { DeclaredSchedule, Schedule, ScheduleTimes } from "../tasks/schedule.ts";
import { timeAfter, timesAfter } from "../tasks/schedule-times.ts";
import type { Announcer } from "./announce.ts";
import type { Schedules } from "./schedules-api.ts";

export interface SchedulesDeps {
  database: Database;
  clock: Clock;
  log: Logger;
  registry: Registry;
  declared: readonly DeclaredSchedule[];
  occurrences: Occurrences;
}

export function createSchedules(deps: SchedulesDeps, announcer: Announcer) {
  const { database, clock, log, registry, declared, occurrences } = deps;
  const { encryption } = registry;
  /** As its row has it. @throws TickworkError `encryption_key_missing` */
  const sealed = (spec: store.ScheduleSpec): store.ScheduleSpec => ({
    ...spec,
    task_data: encryption.sealData(spec.type, spec.task_data),
  });

  const nextTimesOf = (times: ScheduleTimes) =>
    timesAfter(times, clock.now(), NEXT_TIMES).map((ms) => new Date(ms).toISOString());
  const shown = (kept: store.KeptSchedule): Schedule => {
    const { name, last, created_at, updated_at, ...spec } = encryption.open(kept);
    const next_times = kept.paused ? [] : nextTimesOf(kept);
    return { name, ...spec, next_times, last, created_at, updated_at };
  };
  const find = async (name: string): Promise<store.KeptSchedule> => {
    const kept = await store.getSchedule(database, name);
    if (!kept) throw notFound(name);
    return kept;
  };
  const write = async (name: string, spec: store.ScheduleSpec): Promise<void> => {
    const next_ms = spec.paused ? null : (timeAfter(spec, clock.now()) ?? null);
    const { rev, nowMs, removed } = await store.putSchedule(database, name, { ...spec, next_ms });
    if (rev === undefined) throw inCode(name);
    if (removed.length > 0) await announcer.afterWrite("items.delete.after", removed, nowMs);
    if (next_ms !== null) await occurrences.extend({ name, rev, next_ms, more_ms: null, ...spec }, nowMs);
  };

  const schedules: Schedules = {
    async put(name, given) {
      const paused = pauseAlone(given);
      if (paused !== undefined) {
        const kept = await find(name);
        await write(name, { ...kept, paused });
        return shown(await find(name));
      }
      const checked = await checkSchedule(registry, name, given, clock.now());
      await write(name, sealed(specOf(checked, "api")));
      return shown(await find(name));
    },
    get: async (name) => shown(await find(name)),
    async list({ name, after = "", limit }) {
      const kept = await store.listSchedules(database, { name, after, limit: limit + 1 });
      return { schedules: kept.slice(0, limit).map(shown), more: kept.length > limit };
    },
    async remove(name) {
      const { source } = await find(name);
      if (source === "code") throw inCode(name);
      await removeNow(name);
    },
    times: async (given) => nextTimesOf(checkTimes(given, clock.now())),
    async run(name, { userId } = {}) {
      const { tasks, nowMs } = await store.runNow(database, name, userId);
      const [task] = tasks;
      if (!task) throw notFound(name);
      await announcer.afterWrite("items.create.after", tasks, nowMs);
      return encryption.open(task);
    },
  };

  const removeNow = async (name: string) => {
    const removed = await store.deleteSchedule(database, name);
    if (removed.length > 0) await announcer.afterWrite("items.delete.after", removed, clock.now());
  };

  /** It is older than the encryption of its type. */
  const isPlain = ({ type, task_data }: store.KeptSchedule) =>
    encryption.encrypts(type) && task_data !== null && !isSealed(task_data);

  return {
    ...schedules,
    /**
     * Has the schedules of code be what this process declares. Those that are declared no more are removed where their
     * type is one of this process: another deployment on the same database declares its own.
     */
    async declare(): Promise<void> {
      const known = new Map((await store.declaredSchedules(database)).map((kept) => [kept.name, kept]));
      for (const { name, given } of declared) {
        const kept = known.get(name);
        known.delete(name);
        try {
          const checked = await checkSchedule(registry, name, withoutUndefined(given), 0);
          const spec = specOf({ ...checked, paused: kept?.paused ?? false }, "code");
          if (!kept || !isSame(encryption.open(kept), spec) || isPlain(kept)) await write(name, sealed(spec));
        } catch (error) {
          if (!(error instanceof TickworkError)) throw error;
          log.error("a schedule of the code is refused, and stays as it was", {
            schedule: name,
            // As `defineSchedule` calls it.
            error: messageOf(error).replace(/(^|; )task_data\b/g, "$1data"),
          });
        }
      }
      for (const { name, type } of known.values()) if (registry.get(type)) await removeNow(name);
    },
  };
}

const withoutUndefined = <T extends object>(given: T): T =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;

function specOf(
  given: Awaited<ReturnType<typeof checkSchedule>>,
  source: Schedule["source"],
): store.ScheduleSpec {
  return {
    source,
    cron: given.cron ?? null,
    every_seconds: given.every_seconds ?? null,
    time_zone: given.time_zone ?? "UTC",
    type: given.type,
    task_data: given.task_data ?? null,
    version: given.version,
    catch_up: given.catch_up ?? "last",
    overlap: given.overlap ?? "allow",
    paused: given.paused ?? false,
  };
}

/** Whether what is kept is what is declared. As JSON: that is how data is kept. */
function isSame(kept: store.KeptSchedule, spec: store.ScheduleSpec): boolean {
  const keptSpec = Object.fromEntries(
    Object.keys(spec).map((name) => [name, kept[name as keyof typeof kept]]),
  );
  return JSON.stringify(keptSpec) === JSON.stringify(spec);
}

function notFound(name: string): TickworkError {
  return new TickworkError("schedule_not_found", `There is no schedule ${quote(name)}.`);
}

function inCode(name: string): TickworkError {
  return new TickworkError(
    "schedule_in_code",
    `The schedule ${quote(name)} is declared in code: change it there. Here it can be paused, with paused alone.`,
  );
}
