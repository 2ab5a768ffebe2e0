import { type Logger, systemClock } from "#core";

/** What a cron library gives for what it runs: node-schedule (`cancel`), croner or node-cron (`stop`). */
export interface Job {
  cancel?(): unknown;
  stop?(): unknown;
  /** node-schedule: how often it runs at this moment. */
  running?: unknown;
}

/** The jobs of all extensions. */
interface Jobs {
  add(file: string, jobs: readonly Job[]): void;
  /** Has nothing begun any more; resolves when what had begun is done, or its time is over. */
  end(): Promise<void>;
}

/** How often a job that runs is looked at when it has to end; its library tells nobody. */
const LOOK_MS = 50;

/** The jobs that a module exports: one, or a list. */
export function jobsIn(exported: unknown): Job[] {
  const given: unknown[] = Array.isArray(exported) ? exported : [exported];
  return given.filter(isJob);
}

function isJob(value: unknown): value is Job {
  if (typeof value !== "object" || value === null) return false;
  const { cancel, stop } = value as Job;
  return typeof cancel === "function" || typeof stop === "function";
}

/** @param waitMs milliseconds that what has begun may take */
export function createJobs(log: Logger, waitMs: number): Jobs {
  const all: { file: string; job: Job }[] = [];
  let ended: Promise<void> | undefined;
  const isRunning = ({ job }: { job: Job }) => Number(job.running) > 0;
  const end = async () => {
    for (const { job } of all) await (job.cancel ? job.cancel() : job.stop?.());
    const untilMs = Date.now() + waitMs;
    while (all.some(isRunning) && Date.now() < untilMs) await systemClock.sleep(LOOK_MS);
    for (const { file } of all.filter(isRunning))
      log.warn("a job of an extension goes on although its time is over", { file, waitMs });
  };
  return {
    add: (file, jobs) => void all.push(...jobs.map((job) => ({ file, job }))),
    end() {
      ended ??= end();
      return ended;
    },
  };
}
