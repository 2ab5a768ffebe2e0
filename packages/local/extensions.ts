import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError, hooks, type Logger } from "#core";
import { createJobs, type Job, jobsIn } from "./extension-jobs.ts";
import { type Extension, findExtensions } from "./find-extensions.ts";
import { loadRefusal, shown } from "./load-refusal.ts";

/** Loads a module by its absolute path. */
export type LoadModule = (file: string) => Promise<unknown>;

export interface ExtensionsOptions {
  /** The folder that has them. */
  folder: string;
  /** Default: `import()`, which on Node 20 takes only JavaScript. */
  load?: LoadModule | undefined;
  log: Logger;
  /** Milliseconds that what a schedule has begun may take when it has to stop. */
  jobWaitMs: number;
}

export interface Extensions {
  /** Nothing is begun any more; resolves when what had begun is done, or its time is over. */
  endJobs(): Promise<void>;
  /** Ends the jobs and removes the hooks. */
  stop(): Promise<void>;
}

/**
 * Loads the extensions in a folder, as Baasix has them: `hooks/*` and `schedules/*`, or `baasix-hook-*` and
 * `baasix-schedule-*`, each with an `index.js`. A hook calls `registerHook` while it is loaded; a schedule exports its
 * job by default. Both may instead export a function, which is called as Baasix calls it: `(hooksService, context)`,
 * `(schedule, context)`, with `tasksService` in the context.
 *
 * @throws ConfigError with one line, which names file and line, when one cannot be loaded or has nothing to offer
 * @example const extensions = await loadExtensions({ folder: "./extensions", log, jobWaitMs: 30_000 });
 */
export async function loadExtensions(options: ExtensionsOptions): Promise<Extensions> {
  const { load = importFile, log, jobWaitMs } = options;
  const folder = resolve(options.folder);
  const jobs = createJobs(log, jobWaitMs);
  const removers: (() => void)[] = [];
  const extensions: Extensions = {
    endJobs: () => jobs.end(),
    async stop() {
      await jobs.end();
      for (const remove of removers) remove();
    },
  };
  try {
    for (const extension of findExtensions(folder, log)) {
      const { file, kind } = extension;
      const made: Job[] = [];
      const registered = await hooks
        .registeredDuring(() => open(extension, load, made))
        .catch(async (error: unknown) => {
          throw await loadRefusal(file, folder, error);
        });
      removers.push(...registered);
      jobs.add(shown(file), made);
      if (kind === "hook" && registered.length === 0)
        throw new ConfigError(
          `${shown(file)} must register a hook with hooksService.registerHook, of this installation of tickwork, and registers none.`,
        );
      if (kind === "schedule" && made.length === 0)
        throw new ConfigError(
          `${shown(file)} must have a job as its default export, as in: export default schedule.scheduleJob("*/5 * * * *", run).`,
        );
      log.info("extension loaded", { file: shown(file) });
    }
    return extensions;
  } catch (error) {
    await extensions.stop();
    throw error;
  }
}

/** Loads one, and calls it if it is a function. */
async function open({ file, kind }: Extension, load: LoadModule, made: Job[]): Promise<void> {
  const module = (await load(file)) as { default?: unknown } | undefined;
  const exported = module?.default;
  if (typeof exported !== "function") {
    made.push(...jobsIn(exported));
    return;
  }
  const { tasksService } = await import("#compat");
  const first = kind === "hook" ? hooks : await scheduleFor(file, made);
  made.push(...jobsIn(await exported(first, { tasksService })));
}

/** The `node-schedule` of an extension, whose jobs are noted. */
async function scheduleFor(file: string, made: Job[]): Promise<object> {
  const path = createRequire(file).resolve("node-schedule");
  const { default: schedule } = (await import(pathToFileURL(path).href)) as {
    default: { scheduleJob(...given: unknown[]): unknown };
  };
  return {
    ...schedule,
    scheduleJob(...given: unknown[]) {
      const job = schedule.scheduleJob(...given);
      made.push(...jobsIn(job));
      return job;
    },
  };
}

/** How often each file has been loaded by this process. */
const loads = new Map<string, number>();

/** A server that is started again in the same process loads its extensions again. */
const importFile: LoadModule = (file) => {
  const times = loads.get(file) ?? 0;
  loads.set(file, times + 1);
  return import(`${pathToFileURL(file)}${times === 0 ? "" : `?load=${times}`}`);
};
