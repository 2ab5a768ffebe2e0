/** The jobs of the process that creates tasks. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Creator, type NewTask, nowMs, type TaskData } from "./contender.ts";

/** Tasks in one call when it does not matter. */
const FILL = 500;
/** Nobody would repeat the same letter: it is compressed nowhere, and of a kilobyte as JSON. */
const TEXT = Array.from({ length: 90 }, (_, index) => `${index * 7919} tasks`)
  .join(" ")
  .slice(0, 1_000);

export interface CreateOptions {
  /** Callers at a time, each with its next call when the last has returned. */
  callers: number;
  /** Tasks in a call. */
  size: number;
  limitMs: number;
}

export interface LaterOptions {
  count: number;
  /** The mean distance of two due times; each is random between half of it and one and a half. */
  eachMs: number;
}

export function createTasks(open: () => Promise<Creator>) {
  let opening: Promise<Creator> | undefined;
  const opened = () => {
    opening ??= open();
    return opening;
  };
  const call = (creator: Creator, tasks: NewTask[]) =>
    tasks.length === 1 && tasks[0] ? creator.createOne(tasks[0]) : creator.createMany(tasks);
  const some = (count: number, data: TaskData): NewTask[] => Array.from({ length: count }, () => ({ data }));

  return {
    /** So many that are due now. */
    async fill({ count, withText }: { count: number; withText: boolean }): Promise<void> {
      const creator = await opened();
      for (let made = 0; made < count; made += FILL)
        await call(creator, some(Math.min(FILL, count - made), withText ? { text: TEXT } : {}));
    },

    /** Tasks created in a second. A first tenth of the time does not count. */
    async create({ callers, size, limitMs }: CreateOptions): Promise<number> {
      const creator = await opened();
      const beginMs = performance.now() + limitMs / 10;
      const endMs = beginMs + limitMs;
      let made = 0;
      await Promise.all(
        Array.from({ length: callers }, async () => {
          while (performance.now() < endMs) {
            await call(creator, some(size, {}));
            const passedMs = performance.now();
            if (passedMs >= beginMs && passedMs < endMs) made += size;
          }
        }),
      );
      return made / (limitMs / 1000);
    },

    /** Tasks that become due at random moments; resolves when all of them are. */
    async later({ count, eachMs }: LaterOptions): Promise<void> {
      const creator = await opened();
      // Nobody is late before all are created.
      let dueMs = nowMs() + 2_000;
      const tasks: NewTask[] = [];
      for (let index = 0; index < count; index++) {
        dueMs += eachMs * (0.5 + Math.random());
        // Due times are whole milliseconds.
        tasks.push({ data: { dueMs: Math.round(dueMs) }, at: new Date(Math.round(dueMs)) });
      }
      await creator.createMany(tasks);
      await sleep(dueMs - nowMs());
    },

    /** Tasks that are created at random moments, to start at once. */
    async soon({ count, eachMs }: LaterOptions): Promise<void> {
      const creator = await opened();
      await sleep(1_000);
      for (let index = 0; index < count; index++) {
        await sleep(eachMs * (0.5 + Math.random()));
        await creator.createOne({ data: { dueMs: nowMs() } });
      }
    },
  };
}
