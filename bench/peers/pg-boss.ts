/** pg-boss: with its defaults, and with what its documentation offers for throughput and for a low latency. */
import { type ConstructorOptions, PgBoss, type WorkOptions } from "pg-boss";
import type { Form, Given, NewTask, TaskData } from "../contender.ts";
import { serve } from "../serve.ts";

const QUEUE = "noop";

const TUNED_WORK: WorkOptions = {
  batchSize: 500,
  burstWhenBatchFull: true,
  // The least that it takes. What is due later is found by polling alone, so notifications do not make that rarer.
  pollingIntervalSeconds: 0.5,
  notifyPollingIntervalSeconds: 0.5,
};
const CONSTRUCTOR: Record<Form, ConstructorOptions> = { default: {}, tuned: { useListenNotify: true } };

async function open({ databaseUrl, form }: Given, more: ConstructorOptions): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: databaseUrl, ...CONSTRUCTOR[form], ...more });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  return boss;
}

/** A program that only creates does no maintenance. */
const CREATES_ONLY: ConstructorOptions = { supervise: false, schedule: false, migrate: false };

serve({
  async prepare(given) {
    const boss = await open(given, { supervise: false, schedule: false });
    await boss.createQueue(QUEUE, given.form === "tuned" ? { notify: true } : {});
    await boss.stop({ graceful: false });
  },

  async openCreator(given) {
    const boss = await open(given, CREATES_ONLY);
    const insertOf = ({ data, at }: NewTask) => ({ data, ...(at && { startAfter: at }) });
    return {
      createOne: async ({ data, at }) =>
        void (await boss.send(QUEUE, data, { ...(at && { startAfter: at }) })),
      createMany: async (tasks) => void (await boss.insert(QUEUE, tasks.map(insertOf))),
    };
  },

  async startWorker(given, handler) {
    const boss = await open(given, {});
    if (given.form === "default")
      await boss.work(QUEUE, async ([job]) => (job ? await handler(job.data as TaskData) : undefined));
    else if (given.results)
      // Of a batch, each job keeps its result only this way.
      await boss.work(QUEUE, { ...TUNED_WORK, perJobResults: true }, async (jobs) => {
        const results = [];
        for (const { id, data } of jobs)
          results.push({ id, status: "completed" as const, output: await handler(data as TaskData) });
        return results;
      });
    else
      await boss.work(QUEUE, TUNED_WORK, async (jobs) => {
        for (const { data } of jobs) await handler(data as TaskData);
      });
    return {};
  },
});
