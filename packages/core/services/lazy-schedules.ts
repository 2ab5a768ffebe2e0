import type { Occurrences, OccurrencesDeps } from "../run/occurrences.ts";
import type { Scheduler } from "../run/scheduler.ts";
import type { Announcer } from "./announce.ts";
import type { SchedulesDeps } from "./schedules.ts";
import type { Schedules } from "./schedules-api.ts";

type Parts = Omit<SchedulesDeps, "occurrences"> & Omit<OccurrencesDeps, "announce" | "registry">;

type Modules = typeof import("../run/occurrences.ts") & typeof import("./schedules.ts");

let modules: Modules | undefined;

/** What schedules need is loaded when the first one is met: few deployments have any, and no cold start waits for it. */
export async function loadSchedules(): Promise<Modules> {
  modules ??= { ...(await import("../run/occurrences.ts")), ...(await import("./schedules.ts")) };
  return modules;
}

export function createLazySchedules(
  deps: Parts,
  announcer: Announcer,
): { schedules: Schedules; scheduler: Scheduler } {
  let loading: ReturnType<typeof load> | undefined;
  const load = async () => {
    const { createOccurrences, createSchedules } = await loadSchedules();
    const occurrences: Occurrences = createOccurrences({ ...deps, announce: announcer.announce });
    return { occurrences, schedules: createSchedules({ ...deps, occurrences }, announcer) };
  };
  const loaded = () => {
    loading ??= load();
    return loading;
  };
  let declared = deps.registry.open;
  return {
    schedules: {
      put: async (...given) => (await loaded()).schedules.put(...given),
      get: async (...given) => (await loaded()).schedules.get(...given),
      list: async (...given) => (await loaded()).schedules.list(...given),
      remove: async (...given) => (await loaded()).schedules.remove(...given),
      times: async (...given) => (await loaded()).schedules.times(...given),
      run: async (...given) => (await loaded()).schedules.run(...given),
    },
    scheduler: {
      async keepUp(given, read) {
        let window = given;
        // Once: a process that is older than what another one declares must not undo that.
        if (!declared && (deps.declared.length > 0 || window.hasDeclared)) {
          await (await loaded()).schedules.declare();
          window = await read();
        }
        declared = true;
        return window.schedules.length === 0 ? window : (await loaded()).occurrences.keepUp(window, read);
      },
      begin: async (task) => (await loaded()).occurrences.begin(task),
      ended: async (task, outcome) => (await loaded()).occurrences.ended(task, outcome),
    },
  };
}
